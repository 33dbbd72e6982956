//! Wordings: the sentences by which AWS tells what happened where it gives no code for it.
//! It only compares texts; what a sentence means stands in the table of the source that prints it.
//! Used by the sources whose records speak in prose: RDS events and ECS service events.

use crate::model::Outcome;

/// What a sentence tells: our verb, how it ended, and the sentence's beginning in lower case, in which `*` stands for
/// any text. A wording that begins with `*` may stand anywhere.
pub(super) type Wording = (&'static str, Outcome, &'static str);

/// The first wording of the table that the message has. Case does not matter, since AWS itself prints both
/// "Finished DB instance backup" and "Finished DB Instance backup".
pub(super) fn first<'t>(table: &'t [Wording], message: &str) -> Option<&'t Wording> {
    let message = message.trim_start().to_ascii_lowercase();
    table.iter().find(|(_, _, wording)| has(&message, wording))
}

/// True when the message begins with the wording's first part and has the others after it, in their order.
fn has(message: &str, wording: &str) -> bool {
    let mut parts = wording.split('*');
    let beginning = parts.next().unwrap_or_default();
    let Some(mut rest) = message.strip_prefix(beginning) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wording_is_a_beginning_with_gaps() {
        for (message, wording, expected) in [
            ("db instance created.", "db instance created", true),
            ("the db instance created", "db instance created", false),
            ("(service s) has started 2 tasks", "*has started * task", true),
            ("(service s) has started", "*has started * task", false),
            ("rds can't", "rds can*t", true),
            ("rds can\u{2019}t", "rds can*t", true),
            ("b then a", "*a*b", false),
            ("anything", "", true),
        ] {
            assert_eq!(has(message, wording), expected, "{message} | {wording}");
        }
    }

    #[test]
    fn the_first_wording_of_the_table_wins_whatever_the_case() {
        let table: &[Wording] = &[("A", Outcome::Failed, "*failed"), ("B", Outcome::Noted, "it ")];
        assert_eq!(first(table, "  It FAILED").map(|found| found.0), Some("A"));
        assert_eq!(first(table, "It went on").map(|found| found.0), Some("B"));
        assert_eq!(first(table, "Nothing"), None);
    }
}
