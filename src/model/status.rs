//! CloudFormation's statuses, which stay AWS's own strings: an unknown one must never break us.
//! The predicates go by the parts of the word, so that a status that AWS adds is still understood.
//! Source: `StackStatus` and `ResourceStatus` in the CloudFormation API reference.

/// The resource type of stacks, nested ones included.
pub const STACK_TYPE: &str = "AWS::CloudFormation::Stack";
/// What we call a change set in `resource_type`; CloudTrail uses the same word.
pub const CHANGE_SET_TYPE: &str = "AWS::CloudFormation::ChangeSet";

/// Still going on.
pub fn in_progress(status: &str) -> bool {
    status.ends_with("_IN_PROGRESS") || status == "IN_PROGRESS"
}

/// Ended in a failure.
pub fn failed(status: &str) -> bool {
    status.ends_with("_FAILED") || status == "FAILED"
}

/// Ended as asked for.
pub fn complete(status: &str) -> bool {
    status.ends_with("_COMPLETE") || matches!(status, "DELETE_SKIPPED" | "SUCCEEDED")
}

/// A stack that has come to rest, for better or worse. Clean-up phases count: nothing can fail the operation any more.
pub fn at_rest(status: &str) -> bool {
    !in_progress(status) || status.ends_with("_CLEANUP_IN_PROGRESS")
}

/// Part of a rollback: `ROLLBACK_*`, `UPDATE_ROLLBACK_*`, `IMPORT_ROLLBACK_*`.
pub fn rollback(status: &str) -> bool {
    status.contains("ROLLBACK_")
}

/// The verb of a status: `CREATE` of `CREATE_FAILED`, `ROLLBACK` of `UPDATE_ROLLBACK_COMPLETE`. The whole word where
/// it has no known end.
pub fn verb(status: &str) -> &str {
    if rollback(status) {
        return "ROLLBACK";
    }
    status.split('_').next().unwrap_or(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_by_their_parts() {
        for (status, expected) in [
            ("CREATE_IN_PROGRESS", (true, false, false, "CREATE")),
            ("CREATE_FAILED", (false, true, false, "CREATE")),
            ("UPDATE_ROLLBACK_COMPLETE", (false, false, true, "ROLLBACK")),
            ("ROLLBACK_FAILED", (false, true, false, "ROLLBACK")),
            ("DELETE_SKIPPED", (false, false, true, "DELETE")),
            ("REVIEW_IN_PROGRESS", (true, false, false, "REVIEW")),
            ("REFACTOR_FAILED", (false, true, false, "REFACTOR")),
            ("IN_PROGRESS", (true, false, false, "IN")),
            ("SUCCEEDED", (false, false, true, "SUCCEEDED")),
        ] {
            assert_eq!((in_progress(status), failed(status), complete(status), verb(status)), expected, "{status}");
        }
        assert!(at_rest("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"));
        assert!(!at_rest("UPDATE_ROLLBACK_IN_PROGRESS"));
    }
}
