//! Ties events of other services to the stack's resources. To be written.
use crate::model::Event;
use crate::sources::KnownResource;
/// Links.
pub fn link(_: &mut [Event], _: &[KnownResource]) {}
