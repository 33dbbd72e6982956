//! The clients: credentials, region, endpoint, retries and time-outs as every user of the AWS CLI has set them.
//! It calls nothing by itself but what finding credentials takes.
//! Used by the desk, which asks for the client of a region.

use super::network;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_sts::config::SharedCredentialsProvider;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// How AWS is reached; what is absent comes from the environment and the AWS configuration files.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The profile of the AWS configuration files.
    pub profile: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// A role to assume, to look into another account.
    pub role_arn: Option<String>,
}

/// What fails for a moment is tried again after up to 1, 2 and 4 seconds; longer troubles are the desk's.
const ATTEMPTS: u32 = 4;
/// A call that has no answer by then never gets one.
const ATTEMPT: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// A call with all its attempts.
const CALL: Duration = Duration::from_secs(70);

/// The clients of every region that was asked for.
#[derive(Debug)]
pub(super) struct Clients {
    config: SdkConfig,
    regions: RefCell<BTreeMap<String, Rc<Regional>>>,
}

/// The clients of one region.
#[derive(Debug)]
pub(super) struct Regional {
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    pub rds: aws_sdk_rds::Client,
    pub ecs: aws_sdk_ecs::Client,
    pub autoscaling: aws_sdk_autoscaling::Client,
    pub load_balancing: aws_sdk_elasticloadbalancingv2::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Finds the configuration as the AWS CLI does.
    pub async fn load(access: &Access) -> Self {
        let mut loader = loader().http_client(network::https());
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &access.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let mut config = loader.load().await;
        if let Some(role) = &access.role_arn {
            let provider =
                AssumeRoleProvider::builder(role).session_name("cfn-forensics").configure(&config).build().await;
            let provider = SharedCredentialsProvider::new(provider);
            config = config.into_builder().credentials_provider(provider).build();
        }
        Self::of(config)
    }

    /// The clients of a configuration.
    pub fn of(config: SdkConfig) -> Self {
        Self { config, regions: RefCell::default() }
    }

    /// The region that the configuration names.
    pub fn region(&self) -> Option<String> {
        self.config.region().map(ToString::to_string)
    }

    /// The clients of a region.
    pub fn of_region(&self, region: &str) -> Rc<Regional> {
        let mut regions = self.regions.borrow_mut();
        let made = regions.entry(region.to_owned()).or_insert_with(|| {
            let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
            Rc::new(Regional::new(&config))
        });
        Rc::clone(made)
    }
}

impl Regional {
    fn new(config: &SdkConfig) -> Self {
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudtrail: aws_sdk_cloudtrail::Client::new(config),
            rds: aws_sdk_rds::Client::new(config),
            ecs: aws_sdk_ecs::Client::new(config),
            autoscaling: aws_sdk_autoscaling::Client::new(config),
            load_balancing: aws_sdk_elasticloadbalancingv2::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }
}

/// What is the same for everybody: retries with exponential waits and full jitter, time-outs, our name.
pub(super) fn loader() -> ConfigLoader {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(retries).timeout_config(timeouts);
    match AppName::new(concat!("cfn-forensics-", env!("CARGO_PKG_VERSION"))) {
        Ok(name) => loader.app_name(name),
        Err(_) => loader,
    }
}
