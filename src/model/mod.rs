//! The vocabulary: plain data that every other module speaks in.
//! It does no IO, reads no clock and knows nothing of ours.
//! A word means one thing; the table of words is in `docs/architecture.md`.

pub mod arn;
mod capture;
mod event;
mod file_name;
mod gap;
mod place;
mod reason;
pub mod status;
mod text;
pub mod time;

pub use capture::{Asked, Capture, Form, Manifest, RecordFile, RecordRef, Redacted, Scope};
pub use event::{Call, Event, Hook, Identity, Outcome, Validation, WebIdentity};
pub use gap::Gap;
pub use place::TemplatePlace;
pub use reason::{Denier, Quota, Reason, Refusal, Wrapper, denial, quoted_request};
pub use text::{Text, Texts};
pub use time::Time;
