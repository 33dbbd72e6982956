//! The arithmetic of a diagnosis, line by line, so that a reader can do it again by hand: the prior, each piece of evidence
//! in decibans, the sum, what that is in odds, and the probability that follows.
//! The numbers are the report's.

use super::page::{Page, Paint};
use crate::report::words;
use crate::report::{DiagnosisReport, HypothesisEntry};
use std::io;

/// The whole sum, for each failure that has hypotheses.
pub(super) fn text(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for explanation in &report.explanations {
        page.blank()?;
        let also =
            if explanation.also.is_empty() { String::new() } else { format!(", also {}", explanation.also.join(", ")) };
        page.say(0, Paint::Bold, &format!("The arithmetic for {}{also}", explanation.root))?;
        page.say(0, Paint::Dim, "decibans: 10 times the logarithm of a likelihood ratio; odds = 10^(sum / 10); probability = odds / all odds")?;
        let hypotheses = || report.hypotheses.iter().filter(|held| held.root.as_deref() == Some(&*explanation.root));
        let odds_of = |held: &HypothesisEntry<'_>| 10_f64.powf(held.score / 10.0);
        let all: f64 = 1.0 + hypotheses().map(odds_of).sum::<f64>();
        for held in hypotheses() {
            page.blank()?;
            page.say(2, Paint::Bold, &format!("{} ({})", held.cause, held.rule))?;
            row(page, held.prior, "before any evidence")?;
            for piece in &held.evidence {
                let place = piece.record.as_deref().unwrap_or(piece.source);
                row(page, piece.decibans, &format!("{} [{place}]", piece.says))?;
            }
            let odds = odds_of(held);
            let percent = words::percent(held.probability);
            row(page, held.score, &format!("the sum; odds {odds:.3}; {odds:.3} / {all:.3} = {percent}"))?;
        }
        page.blank()?;
        page.say(2, Paint::Bold, "none of these")?;
        row(page, 0.0, &format!("by definition; odds 1; 1 / {all:.3} = {}", words::percent(explanation.unexplained)))?;
    }
    Ok(())
}

fn row(page: &mut Page<'_>, decibans: f64, says: &str) -> io::Result<()> {
    const ROOM: usize = 7;
    let label = format!("{:>ROOM$}", words::signed(decibans));
    page.labelled(4, (Paint::Plain, &label), ROOM, &super::page::Said::one(Paint::Plain, says))
}
