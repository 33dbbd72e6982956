//! SDK clients whose network is the fake AWS of the tests: real requests, real retries, no socket, and tokio's time,
//! which a test can pause. The same fake answers over loopback in `tests/live.rs`.
//! Used by the tests of live collection.
#![allow(clippy::unwrap_used)]

#[path = "../../tests/wire/mod.rs"]
pub mod wire;

use super::clients::{Clients, loader};
use super::network::Whole;
use aws_config::Region;
use aws_sdk_sts::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use wire::{Fault, Faults, Request, World};

/// A network at whose other end is one account.
#[derive(Clone)]
pub struct Network(Arc<Account>);

struct Account {
    world: World,
    faults: Faults,
    calls: Mutex<Vec<Request>>,
    counts: Mutex<BTreeMap<(String, String), usize>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

impl Network {
    pub fn new(world: World, faults: Faults) -> Self {
        Self(Arc::new(Account { world, faults, calls: Mutex::default(), counts: Mutex::default() }))
    }

    /// Clients of this network, in us-east-1 if nothing else is said.
    pub async fn clients(&self) -> Clients {
        let credentials = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
        let config =
            loader().empty_test_environment().http_client(Whole(self.clone())).credentials_provider(credentials);
        Clients::of(config.region(Region::new("us-east-1")).load().await)
    }

    /// The first log group of the account.
    pub fn log_group(&self) -> String {
        self.0.world.log_groups.keys().next().unwrap().clone()
    }

    /// All calls so far, every attempt of each.
    pub fn calls(&self) -> Vec<Request> {
        self.0.calls.lock().unwrap().clone()
    }
}

impl HttpClient for Network {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Network {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let account = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move { account.answer(&request).await })
    }
}

impl Account {
    async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        let request = wire::parse(header, request.body().bytes().unwrap_or_default()).unwrap();
        self.calls.lock().unwrap().push(request.clone());
        let nth = self.count(&request);
        let fault = self.faults.of(&request, nth);
        let reply = self.world.reply(&request);
        let reply = fault.as_ref().map_or_else(|| reply.clone(), |fault| fault.alter(&request, reply.clone()));
        let mut response = wire::render(&request, &reply);
        match fault {
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Reset) => return Err(ConnectorError::io("connection reset".into())),
            Some(Fault::Truncated) => response.body.truncate(response.body.len() / 2),
            Some(Fault::Garbage) => "}<\u{1}this is no answer".clone_into(&mut response.body),
            Some(Fault::Delay(delay)) => tokio::time::sleep(delay).await,
            _ => {}
        }
        let status = response.status.try_into().unwrap();
        let mut answer = HttpResponse::new(status, SdkBody::from(response.body));
        answer.headers_mut().insert("content-type", response.content_type);
        Ok(answer)
    }

    fn count(&self, request: &Request) -> usize {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry((request.service.clone(), request.operation.clone())).or_default();
        *count += 1;
        *count - 1
    }
}
