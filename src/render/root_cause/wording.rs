//! Words, signs and measures that the pages of the report share, whatever their format.
//! Nothing is escaped here, and nothing of a format is known.
//! Used by the report as Markdown and as HTML.

use crate::report::{EvidenceEntry, FailureEntry, Fate, HypothesisEntry, Inputs, MomentKind, RootCauseReport};

/// A record's own words where they are evidence; they are whole among the records.
pub(super) const QUOTED: usize = 400;

/// True for the words of a failure that is quoted whole where it is told.
pub(super) fn is_quoted(report: &RootCauseReport<'_>, piece: &EvidenceEntry<'_>) -> bool {
    let real = |failure: &&FailureEntry<'_>| failure.role.is_real();
    let mut quoted = report.root_cause.failures.iter().filter(real);
    quoted.any(|failure| Some(&failure.event) == piece.record.as_ref())
}

/// A theory that only speaks against has no words of its own, only a code.
pub(super) fn title_of<'h>(held: &HypothesisEntry<'h>) -> &'h str {
    if held.title.is_empty() { held.cause } else { held.title }
}

/// The beginning of a text, with a note of what is missing.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!(
            "{} … [{} characters more]",
            text.get(..end).unwrap_or_default().trim_end(),
            text.chars().count() - most
        ),
    }
}

/// What a deployment was asked for with: each head with what is told of it. Empty where nothing is.
pub(super) fn inputs(inputs: &Inputs) -> Vec<(&'static str, Vec<String>)> {
    let one = |told: &Option<String>| told.iter().cloned().collect::<Vec<String>>();
    let template = if inputs.previous_template {
        vec!["that of the deployment before".to_owned()]
    } else {
        one(&inputs.template_url)
    };
    let parameter = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => format!("{name} (value not told)"),
    };
    let rows = [
        ("Change set", one(&inputs.change_set)),
        ("Template", template),
        ("Templates in the case", inputs.templates.iter().map(|template| template.file.clone()).collect()),
        ("Service role", one(&inputs.role_arn)),
        ("On failure", one(&inputs.on_failure)),
        ("Parameters", inputs.parameters.iter().map(parameter).collect()),
        ("Tags", inputs.tags.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        ("Capabilities", inputs.capabilities.clone()),
    ];
    rows.into_iter().filter(|(_, told)| !told.is_empty()).collect()
}

/// The sign of a key moment.
pub(super) fn sign_of(kind: MomentKind) -> &'static str {
    match kind {
        MomentKind::Asked => "▶",
        MomentKind::Refused | MomentKind::Failed => "✗",
        MomentKind::Cancelled => "⊘",
        MomentKind::Evidence => "ⓘ",
        MomentKind::Silence => "…",
        MomentKind::State => "·",
        MomentKind::Ended => "■",
    }
}

/// What became of a resource, in a word or two.
pub(super) fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::LeftBehind => "left behind",
        Fate::Unsettled => "unsettled",
        Fate::InProgress => "in progress",
        Fate::NotMade => "not made",
        Fate::Removed => "removed outside of CloudFormation",
        Fate::Deleted => "deleted",
        Fate::Kept => "kept",
    }
}
