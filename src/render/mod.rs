//! stub
use crate::report::{DiagnosisReport, StacksReport, TimelineReport};
use std::io::{self, Write};
/// s
#[derive(Debug, Clone)]
pub struct Style {
    /// d
    pub width: usize,
    /// d
    pub colour: bool,
    /// d
    pub ascii: bool,
    /// d
    pub zone: Zone,
}
/// z
#[derive(Debug, Clone, Copy)]
pub enum Zone {
    /// d
    Utc,
}
impl std::str::FromStr for Zone {
    type Err = String;
    fn from_str(_: &str) -> Result<Self, String> {
        Ok(Self::Utc)
    }
}
/// f
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum TimelineFormat {
    /// d
    Table,
    /// d
    Json,
}
/// f
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum StacksFormat {
    /// d
    Table,
    /// d
    Json,
}
/// f
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum DiagnosisFormat {
    /// d
    Text,
    /// d
    Json,
}
/// r
pub fn timeline(report: &TimelineReport<'_>, _: TimelineFormat, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    writeln!(out)
}
/// r
pub fn stacks(report: &StacksReport<'_>, _: StacksFormat, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
/// r
pub fn diagnosis(report: &DiagnosisReport<'_>, _: DiagnosisFormat, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
/// r
pub fn terminal_line(text: &str) -> String {
    text.to_owned()
}
/// r
pub fn terminal_lines(text: &str) -> String {
    text.to_owned()
}
