//! A finished report without secrets, whatever it is a report of: its JSON is redacted and read back, so that no text of it
//! can be forgotten. What the case tells of its settings is learnt first.
//! Used by the verbs that write something to be shared.

use super::Redactor;
use crate::model::{Capture, RecordFile};
use serde_json::Value;

/// The sources whose records are in a report as far as they matter; the others tell what was configured.
const IN_THE_REPORT: &[&str] = &["cloudtrail", "stack_events", "operation_events", "log_events", "deploy_log"];

impl Redactor {
    /// Learns what the secrets of a case are before a report of it is redacted: from its templates and settings and, where
    /// names are replaced, from everything.
    pub fn learn_for_report(&mut self, capture: &Capture) {
        if self.options.ids {
            return self.learn_capture(capture);
        }
        for file in capture.files.iter().filter(|file| file.source == "templates") {
            self.learn_template(&file.text);
        }
        let settings = capture.files.iter().filter(|file| !IN_THE_REPORT.contains(&file.source));
        for (_, record) in settings.flat_map(RecordFile::iter) {
            if let Ok(value) = serde_json::from_str::<Value>(record) {
                self.learn(&value);
            }
        }
    }
}
