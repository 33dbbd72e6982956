//! When the next call of an operation may be made, so that our look never throttles anybody else.
//! It only reckons with instants and waits by tokio's clock, which tests can pause.
//! Used by the desk.

use super::api::Api;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// When each operation may be called in each region.
#[derive(Debug, Default)]
pub(super) struct Paces {
    of: RefCell<HashMap<(&'static str, &'static str, String), Pace>>,
}

#[derive(Debug)]
struct Pace {
    /// The next instant that nobody has taken yet.
    free: Instant,
    /// Until then nobody calls, whatever instant they have.
    held: Instant,
}

impl Paces {
    /// Takes the next free instant of the operation, and says how long it is until then.
    pub fn reserve(&self, api: &'static Api, region: &str) -> Duration {
        self.with(api, region, |pace, now| {
            let at = pace.free.max(pace.held).max(now);
            pace.free = at + api.pace;
            at - now
        })
    }

    /// Lets nobody call the operation for a while.
    pub fn hold(&self, api: &'static Api, region: &str, time: Duration) {
        self.with(api, region, |pace, now| pace.held = pace.held.max(now + time));
    }

    /// How long the operation is held yet.
    pub fn held(&self, api: &'static Api, region: &str) -> Duration {
        self.with(api, region, |pace, now| pace.held.saturating_duration_since(now))
    }

    fn with<T>(&self, api: &'static Api, region: &str, work: impl FnOnce(&mut Pace, Instant) -> T) -> T {
        let now = Instant::now();
        let mut paces = self.of.borrow_mut();
        let pace = paces.entry((api.service, api.operation, region.to_owned()));
        work(pace.or_insert(Pace { free: now, held: now }), now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::api::{DESCRIBE_STACKS, LOOKUP_EVENTS};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_operation_and_region_has_its_own_pace() {
        let paces = Paces::default();
        let waits: Vec<u128> = (0..3).map(|_| paces.reserve(LOOKUP_EVENTS, "us-east-1").as_millis()).collect();
        assert_eq!(waits, [0, 500, 1000]);
        assert_eq!(paces.reserve(LOOKUP_EVENTS, "eu-west-1"), Duration::ZERO);
        assert_eq!(paces.reserve(DESCRIBE_STACKS, "us-east-1"), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(paces.reserve(LOOKUP_EVENTS, "us-east-1"), Duration::ZERO);
        paces.hold(LOOKUP_EVENTS, "us-east-1", Duration::from_secs(4));
        assert_eq!(paces.held(LOOKUP_EVENTS, "us-east-1").as_secs(), 4);
        assert_eq!(paces.reserve(LOOKUP_EVENTS, "us-east-1").as_secs(), 4);
        assert_eq!(paces.held(LOOKUP_EVENTS, "eu-west-1"), Duration::ZERO);
    }
}
