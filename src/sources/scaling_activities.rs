//! To be written.
use super::Sink;
use crate::model::RecordFile;
pub(super) fn read(_: &RecordFile, _: &mut Sink<'_>) {}
