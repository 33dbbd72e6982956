//! What spills over a row's own line: the wrapped columns of SAM's table, and reasons that go on below.
//! It joins only where the log's layout says that lines belong together; when in doubt they stay apart.
//! Source: `textwrap` as `samcli/commands/_utils/table_print.py` uses it, and the CDK CLI's activity printers.

use super::Log;
use super::failure;
use super::row::{self, Row, Spill};
use std::borrow::Cow;

/// No reason is longer.
const MOST_LINES: usize = 40;

/// SAM's table has four columns of one width: status, type, logical id, reason.
const COLUMNS: usize = 4;

/// The row of SAM's table that begins with line `index`, which reads `text`; its wrapped cells put together, and the line behind it.
pub(super) fn table_row(log: &Log<'_>, index: usize, text: &str) -> Option<(Row<'static>, usize)> {
    let width = column_width(text)?;
    let mut cells: [Vec<String>; COLUMNS] = cells(text, width)?.map(|cell| vec![cell]);
    let mut next = index + 1;
    while let Some(line) = log.line(next).filter(|_| next - index < MOST_LINES) {
        let Some(more) = cells_below(&line.text, width, &cells) else {
            break;
        };
        for (cell, more) in cells.iter_mut().zip(more) {
            if !more.is_empty() {
                cell.push(more);
            }
        }
        next += 1;
    }
    let [status, resource_type, logical_id, reason] = &cells;
    let status = status.concat();
    let reason = unwrapped(reason, width - MARGIN);
    row::is_status(&status)
        .then(|| Row {
            status: Cow::Owned(status),
            resource_type: Some(Cow::Owned(resource_type.concat())),
            logical_id: Some(Cow::Owned(logical_id.concat())),
            reason: Cow::Owned(if reason == "-" { String::new() } else { reason }),
            ..Row::default()
        })
        .map(|row| (row, next))
}

/// SAM leaves two columns of air in each cell, and one between cells.
const MARGIN: usize = 3;

/// The distance between the columns, if the line is a row of a table with columns of one width.
fn column_width(text: &str) -> Option<usize> {
    let status = text.split(' ').next()?;
    if !(row::is_status(status) || row::begins_status(status)) {
        return None;
    }
    let starts: Vec<usize> = starts_of_cells(text);
    match starts.as_slice() {
        [0, width, second, third, ..] if *second == 2 * width && *third == 3 * width && *width > MARGIN => Some(*width),
        _ => None,
    }
}

/// Where, in characters, words begin that stand behind two blanks or more.
fn starts_of_cells(text: &str) -> Vec<usize> {
    let mut blanks = 2;
    let mut starts = Vec::new();
    for (at, character) in text.chars().enumerate() {
        if character == ' ' {
            blanks += 1;
        } else {
            if blanks >= 2 {
                starts.push(at);
            }
            blanks = 0;
        }
    }
    starts
}

/// The cells of a line; `None` where a word runs across the beginning of a column.
fn cells(text: &str, width: usize) -> Option<[String; COLUMNS]> {
    let characters: Vec<char> = text.chars().collect();
    let mut cells = [const { String::new() }; COLUMNS];
    for (column, cell) in cells.iter_mut().enumerate() {
        let start = column * width;
        if column > 0 && characters.get(start - 1).is_some_and(|before| *before != ' ') {
            return None;
        }
        let end = if column + 1 == COLUMNS { characters.len() } else { start + width };
        let cut: String = characters.iter().take(end).skip(start).collect();
        cell.push_str(cut.trim());
    }
    Some(cells)
}

/// The cells of a line that goes on with the row above it.
fn cells_below(text: &str, width: usize, above: &[Vec<String>; COLUMNS]) -> Option<[String; COLUMNS]> {
    let below = cells(text, width)?;
    let [status, resource_type, ..] = &below;
    let begun = above.first().is_some_and(|status| !row::is_status(&status.concat()));
    let goes_on = status.is_empty() || begun && status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let separator = below.iter().any(|cell| cell.starts_with("---"));
    let blank = below.iter().all(String::is_empty);
    (goes_on && !separator && !blank && !row::is_type(resource_type)).then_some(below)
}

/// Puts lines together that `textwrap` cut at `width`: it breaks at blanks and behind hyphens, and within a word only
/// if the word alone is wider, filling the line then.
fn unwrapped(lines: &[String], width: usize) -> String {
    let mut whole = String::new();
    let mut last_length = 0;
    for line in lines {
        let tail = whole.rsplit(' ').next().map_or(0, |word| word.chars().count());
        let head = line.split(' ').next().map_or(0, |word| word.chars().count());
        let within_word = last_length >= width && tail + head > width;
        let behind_hyphen = whole.ends_with('-') && !whole.ends_with(" -");
        if !(whole.is_empty() || within_word || behind_hyphen) {
            whole.push(' ');
        }
        whole.push_str(line);
        last_length = line.chars().count();
    }
    whole
}

/// Adds to the row in line `index` what its reason has below, and answers the line behind it.
pub(super) fn finish(log: &Log<'_>, index: usize, row: &mut Row<'_>) -> usize {
    let failed = crate::model::status::failed(&row.status);
    let next = match row.spill {
        Spill::Below if row.reason.is_empty() => below(log, index, row, false),
        Spill::Wrapped if row.reason.is_empty() && failed => below(log, index, row, true),
        Spill::Indented if !row.reason.is_empty() && failed => indented(log, index, row),
        _ => index + 1,
    };
    match quoted(log, next, &row.reason) {
        Some((reason, next)) => {
            row.reason = Cow::Owned(reason);
            next
        }
        None => next,
    }
}

/// The lines up to an empty one are the reason.
fn below(log: &Log<'_>, index: usize, row: &mut Row<'_>, wrapped: bool) -> usize {
    let mut next = index + 1;
    let mut lines: Vec<String> = Vec::new();
    while let Some(line) = log.line(next).filter(|_| next - index < MOST_LINES) {
        let text = line.text.trim();
        if line.is_blank() || super::line::is_trace(text) || ends_reason(text) {
            break;
        }
        lines.push(text.to_owned());
        next += 1;
    }
    // The terminal's edge may have cut the name, too.
    if wrapped
        && lines.len() > 1
        && let (Some(name), Some(rest)) = (&row.logical_id, lines.first())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte))
    {
        row.logical_id = Some(Cow::Owned(format!("{name}{rest}")));
        lines.remove(0);
    }
    row.reason = Cow::Owned(if wrapped { hard_wrapped(&lines) } else { lines.join(" ") });
    next
}

/// True for lines that no reason goes on with.
fn ends_reason(text: &str) -> bool {
    text.starts_with("View the full error")
        || text.starts_with("Failed resources:")
        || text.starts_with("[█")
        || text.starts_with("[·")
        || row::parse(text).is_some()
        || failure::is_marked(text)
}

/// Puts lines together that were cut at the edge of the terminal: all but the last are of one width, but for a blank
/// that was trimmed there.
fn hard_wrapped(lines: &[String]) -> String {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let mut whole = String::new();
    let mut last_length = 0;
    for line in lines {
        let sentence = whole.ends_with(['.', ',', ':', ';']) && line.starts_with(|c: char| c.is_uppercase());
        let cut = last_length == width && width >= NARROWEST && !sentence;
        if !(whole.is_empty() || cut) {
            whole.push(' ');
        }
        whole.push_str(line);
        last_length = line.chars().count();
    }
    whole
}

/// No terminal is narrower; a shorter line ended by itself.
const NARROWEST: usize = 60;

/// Indented lines below a reason belong to it, up to the construct's stack trace.
fn indented(log: &Log<'_>, index: usize, row: &mut Row<'_>) -> usize {
    let mut next = index + 1;
    while let Some(line) = log.line(next).filter(|_| next - index < MOST_LINES) {
        let text = line.text.trim();
        if line.is_blank()
            || !line.text.starts_with([' ', '\t'])
            || text.starts_with(|c: char| c.is_ascii_digit())
            || super::line::is_trace(text)
            || ends_reason(text)
        {
            break;
        }
        row.reason = Cow::Owned(format!("{} {text}", row.reason));
        next += 1;
    }
    next
}

/// The whole of a handler's message whose quotation is still open at the end of `text`, and the line behind it.
pub(super) fn quoted(log: &Log<'_>, start: usize, text: &str) -> Option<(String, usize)> {
    let (_, open) = text.split_once("returned message: \"")?;
    if open.contains(CLOSING) || open.trim_end().ends_with('"') {
        return None;
    }
    let mut whole = text.trim_end().to_owned();
    for next in start..start + MOST_LINES {
        let line = log.line(next)?;
        if row::parse(&line.text).is_some() || failure::is_marked(line.text.trim()) {
            return None;
        }
        if !line.is_blank() {
            whole.push(' ');
            whole.push_str(line.text.trim());
        }
        if line.text.contains(CLOSING) {
            return Some((whole, next + 1));
        }
    }
    None
}

/// What follows each handler's message.
const CLOSING: &str = "HandlerErrorCode:";
