//! Makes text from AWS and from logs harmless, in one place for each target: terminal, Markdown, HTML, CSV, JSON, XML,
//! workflow commands. It changes nothing that is harmless and loses nothing that was said: what could act is shown
//! instead. Used by every renderer; nobody else writes an escape.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// True for characters that act on a terminal or on the order and look of other text without being seen themselves:
/// controls, bidirectional overrides, zero-width and other format characters, fillers, tags, variation selectors.
/// Source: Unicode general categories Cc, Cf, Zl, Zp and the property `Default_Ignorable_Code_Point`.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// True where nothing needs a second look: most text is printable ASCII, and there is much of it.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.chars().any(is_hidden)
}

/// `\u{1b}`: the same for every target in which people read.
fn show(into: &mut String, c: char) {
    // Writing into a string cannot fail.
    let _ = write!(into, "\\u{{{:x}}}", u32::from(c));
}

/// One line for a terminal: line ends become `⏎`, tabs a space, and what is hidden is shown as `\u{1b}`.
///
/// What CI systems take for a command is broken up, too: a terminal's line may be a job's log.
pub fn terminal(text: &str) -> Cow<'_, str> {
    let shown = if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(visible(text, '⏎', ' ')) };
    if shown.contains("::") || shown.contains("##") {
        return Cow::Owned(without_command(&shown));
    }
    shown
}

/// What is hidden is shown as `\u{1b}`; line ends and tabs become what is given for them.
fn visible(text: &str, line_end: char, tab: char) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => shown.push(line_end),
            '\t' => shown.push(tab),
            // What makes an emoji of a symbol may stay; anywhere else it only hides.
            '\u{fe0f}' if !before.is_ascii() && !is_hidden(before) => shown.push(c),
            c if is_hidden(c) => show(&mut shown, c),
            c => shown.push(c),
        }
        before = c;
    }
    shown
}

/// The same for several lines: their ends stay.
pub fn terminal_lines(text: &str) -> String {
    text.split_inclusive('\n').fold(String::with_capacity(text.len()), |mut shown, line| {
        match line.strip_suffix('\n') {
            Some(line) => {
                shown.push_str(&terminal(line));
                shown.push('\n');
            }
            None => shown.push_str(&terminal(line)),
        }
        shown
    })
}

/// A piece of a line of Markdown; line ends become spaces. A table stays a table, and nothing comes alive: no HTML, link,
/// image, mention, reference, emphasis, code or mathematics.
pub fn markdown(text: &str) -> String {
    escape_markdown(text, " ", Pasted::OnForge)
}

/// The same for a page that is read as it stands or pasted elsewhere than on GitHub and GitLab: mentions and references
/// mean nothing there, and nobody wants to read what disarms them.
pub fn markdown_plain(text: &str) -> String {
    escape_markdown(text, " ", Pasted::Anywhere)
}

/// The same for a cell of a table, in which line ends become `<br>`.
pub fn markdown_cell(text: &str) -> String {
    escape_markdown(text, "<br>", Pasted::OnForge)
}

/// Where a page of Markdown is pasted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pasted {
    /// Where `@name` and `#12` call for somebody.
    OnForge,
    /// Where they are words.
    Anywhere,
}

/// GitHub and GitLab look for mentions, references and addresses in the text as it is shown, so that no escape of the
/// character alone stops them; a zero-width space after it does. It is written as an entity to be seen in the source.
const BREAK: &str = "&#8203;";

fn escape_markdown(text: &str, line_end: &str, pasted: Pasted) -> String {
    let text = text.trim();
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let after = rest.clone().next();
        match c {
            '\r' if after == Some('\n') => {}
            '\n' => escaped.push_str(line_end),
            '\t' => escaped.push(' '),
            // Within a word it marks nothing, and AWS's words are full of them.
            '_' if before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric) => {
                escaped.push(c);
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '$' => escaped.push_str("&#36;"),
            '@' | '#' if pasted == Pasted::Anywhere && before.is_some() => escaped.push(c),
            '@' | '#' => {
                escaped.push_str(if c == '@' { "&#64;" } else { "&#35;" });
                if after.is_some_and(|after| !after.is_whitespace()) {
                    escaped.push_str(BREAK);
                }
            }
            ':' if rest.as_str().starts_with("//") => {
                escaped.push_str("&#58;");
                escaped.push_str(BREAK);
            }
            '.' if is_www(&escaped) => {
                escaped.push_str(BREAK);
                escaped.push('.');
            }
            // At the beginning these would make a list, a heading's underline or a numbered item; `::` a CI system's command.
            '-' | '+' | '=' | ':' if before.is_none() => {
                escaped.push('\\');
                escaped.push(c);
            }
            '.' | ')' if !escaped.is_empty() && escaped.bytes().all(|byte| byte.is_ascii_digit()) => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if is_hidden(c) => {
                escaped.push('\\');
                show(&mut escaped, c);
            }
            c => escaped.push(c),
        }
        before = Some(c);
    }
    escaped
}

fn is_www(before: &str) -> bool {
    let start = before.len().saturating_sub(3);
    before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// A name or reference as a span of code in Markdown, in which nothing comes alive either; also in a cell of a table.
/// Empty for empty text.
pub fn markdown_code(text: &str) -> String {
    let shown = terminal(text.trim()).replace('|', "\\|").replace('⏎', " ");
    if shown.is_empty() {
        return shown;
    }
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{shown}{space}{fence}")
}

/// CI systems take `::` at the beginning of a line for a command, and a line may be wrapped anywhere; `##[` and `##vso[`
/// wherever they stand. Source: the runners of GitHub Actions and Azure Pipelines.
fn without_command(text: &str) -> String {
    let text = text.replace("##[", "#\\u{23}[").replace("##vso[", "#\\u{23}vso[");
    let mut whole = String::with_capacity(text.len());
    for (index, piece) in text.split("::").enumerate() {
        if index > 0 {
            let begins = whole.chars().next_back().is_none_or(|before| before.is_whitespace() || before == '⏎');
            whole.push_str(if begins { ":\\u{3a}" } else { "::" });
        }
        whole.push_str(piece);
    }
    whole
}

/// A fenced block of code in Markdown, each line behind `indent`, so that it may belong to a step of a list. Nothing in
/// it ends the block. What CI systems take for a command at the beginning of a line, or after `##`, is broken up.
pub fn markdown_fence(language: &str, text: &str, indent: &str) -> String {
    let shown = terminal_lines(text.trim_end());
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let mut block = format!("{indent}{fence}{language}\n");
    for line in shown.lines() {
        let _ = writeln!(block, "{indent}{line}");
    }
    let _ = writeln!(block, "{indent}{fence}");
    block
}

/// Text of an HTML page or a quoted value of an attribute: no markup, no end of the quotes, line ends and tabs stay.
pub fn html(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    let shown = if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(visible(text, '\n', '\t')) };
    if !shown.contains("##") && !shown.contains("::") {
        return entities(&shown, out);
    }
    // A page that is printed into a job's log is shown as it was meant, and holds no command.
    let mut page = String::with_capacity(shown.len());
    entities(&shown, &mut page)?;
    let page = page.replace("##", "#&#35;").replace("\n::", "\n&#58;:");
    out.write_str(page.strip_prefix("::").map_or(Cow::Borrowed(&*page), |rest| format!("&#58;:{rest}").into()).as_ref())
}

fn entities(shown: &str, out: &mut impl fmt::Write) -> fmt::Result {
    for piece in shown.split_inclusive(['&', '<', '>', '"', '\'']) {
        let entity = match piece.as_bytes().last() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            Some(b'\'') => "&#39;",
            _ => {
                out.write_str(piece)?;
                continue;
            }
        };
        out.write_str(piece.get(..piece.len() - 1).unwrap_or_default())?;
        out.write_str(entity)?;
    }
    Ok(())
}

/// Through this the template engine escapes every value that stands in a template (`askama.toml`).
#[derive(Debug, Clone, Copy)]
pub struct Html;

impl askama::filters::Escaper for Html {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        html(text, &mut dest)
    }
}

/// A cell of a CSV file, which may be printed on a terminal, too: line ends and tabs stay, and what is hidden is shown as
/// `\u{1b}`. What a spreadsheet would take for a formula, also behind white space, gets a leading `'`.
/// Source: OWASP, CSV injection. Quoting is the CSV writer's work.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let shown = if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(visible(text, '\n', '\t')) };
    let trimmed = shown.trim_start();
    if shown.starts_with('\t') || trimmed.starts_with(['=', '+', '-', '@']) && !is_number(trimmed) {
        Cow::Owned(format!("'{shown}"))
    } else {
        shown
    }
}

/// `-5`, `+1.5`, `-2e-3`: a sign before digits is no formula.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && unsigned.parse::<f64>().is_ok()
}

/// A piece of a JSON string, quotes and backslashes already done: what is hidden becomes `\u009b`, which any reader turns
/// back into the same character, but no terminal into an action.
pub fn json(fragment: &str) -> Cow<'_, str> {
    let has_command = fragment.contains("##[") || fragment.contains("##vso[");
    if is_plain(fragment) && !has_command {
        return Cow::Borrowed(fragment);
    }
    let mut escaped = String::with_capacity(fragment.len() + 16);
    for c in fragment.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso["))
}

/// Lines of text for XML 1.0, which knows no controls and no U+FFFE and U+FFFF, not even escaped: what is hidden is shown as
/// `\u{1b}`. Quotes and angle brackets are the XML writer's work. Source: XML 1.0, production `Char`.
pub fn xml(text: &str) -> String {
    terminal_lines(text)
}

/// The message of a workflow command of GitHub Actions: nothing in it can begin a line, and so no command.
/// Source: `escapeData` in the toolkit, packages/core/src/command.ts; the older form `##[error]` is taken anywhere in a line.
pub fn workflow_message(text: &str) -> String {
    terminal_lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// A property of such a command. Source: `escapeProperty`, likewise.
pub fn workflow_property(text: &str) -> String {
    workflow_message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        for (text, expected) in [
            ("", ""),
            ("Resource creation cancelled, größer ✓", "Resource creation cancelled, größer ✓"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{1b}]8;;https://evil.example\u{7}link", "\\u{1b}]8;;https://evil.example\\u{7}link"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}"),
            ("pass\u{200b}word\u{feff}", "pass\\u{200b}word\\u{feff}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("progress\rdone", "progress\\u{d}done"),
            ("one\r\ntwo\nthree\tfour", "one⏎two⏎three four"),
            (
                "AWS::RDS ::error::x\n::y ##[group] ##vso[z]",
                "AWS::RDS :\\u{3a}error::x⏎:\\u{3a}y #\\u{23}[group] #\\u{23}vso[z]",
            ),
            ("\0\u{8}\u{7f}", "\\u{0}\\u{8}\\u{7f}"),
            ("⚠\u{fe0f} x\u{fe0f}", "⚠\u{fe0f} x\\u{fe0f}"),
        ] {
            assert_eq!(terminal(text), expected, "{text:?}");
        }
        assert_eq!(terminal_lines("one\n\u{1b}two\n\nthree"), "one\n\\u{1b}two\n\nthree");
    }

    #[test]
    fn nothing_comes_alive_in_markdown() {
        for (text, expected) in [
            ("", ""),
            ("plain text, 12 % (ok): x", "plain text, 12 % (ok): x"),
            ("a|b", "a\\|b"),
            ("`code` ```fence", "\\`code\\` \\`\\`\\`fence"),
            ("CREATE_FAILED a_", "CREATE_FAILED a\\_"),
            ("*b* _i_ ~~s~~", "\\*b\\* \\_i\\_ \\~\\~s\\~\\~"),
            ("![x](y) [a](b)", "\\!\\[x\\](y) \\[a\\](b)"),
            ("<script>alert(1)</script> &amp;", "&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp;"),
            ("q@.v", "q&#64;&#8203;.v"),
            ("@team a@example.com @ home", "&#64;&#8203;team a&#64;&#8203;example.com &#64; home"),
            ("#12 # head", "&#35;&#8203;12 &#35; head"),
            ("https://a.example", "https&#58;&#8203;//a.example"),
            ("www.a.example", "www&#8203;.a.example"),
            ("AWS::ECS::Service", "AWS::ECS::Service"),
            ("\\", "\\\\"),
            ("$x$", "&#36;x&#36;"),
            ("- item", "\\- item"),
            ("::error::x", "\\::error::x"),
            ("12. item 3. x", "12\\. item 3. x"),
            ("    indented", "indented"),
            ("one\r\ntwo", "one two"),
            ("\u{1b}[1m\u{202e}", "\\\\u{1b}\\[1m\\\\u{202e}"),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
        assert_eq!(markdown_cell("one\r\ntwo|"), "one<br>two\\|");
    }

    #[test]
    fn plain_pages_are_read_as_they_stand() {
        for (text, expected) in [
            ("jane@example.com, #12", "jane@example.com, #12"),
            ("# head", "&#35; head"),
            ("https://a.example |x|", "https&#58;&#8203;//a.example \\|x\\|"),
        ] {
            assert_eq!(markdown_plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn code_in_markdown_cannot_be_left() {
        for (text, expected) in [
            ("", ""),
            ("stack_events#12", "`stack_events#12`"),
            ("a`b", "``a`b``"),
            ("```", "```` ``` ````"),
            ("a|b\nc", "`a\\|b c`"),
            ("\u{1b}", "`\\u{1b}`"),
            ("##[group]", "`#\\u{23}[group]`"),
        ] {
            assert_eq!(markdown_code(text), expected, "{text:?}");
        }
    }

    #[test]
    fn nothing_comes_alive_in_html() {
        for (text, expected) in [
            ("", ""),
            ("CREATE_FAILED größer 日本語", "CREATE_FAILED größer 日本語"),
            ("</script><img src=x onerror='f()'>", "&lt;/script&gt;&lt;img src=x onerror=&#39;f()&#39;&gt;"),
            ("\" autofocus a=\"", "&quot; autofocus a=&quot;"),
            ("&lt;", "&amp;lt;"),
            ("one\r\ntwo\tthree\rfour", "one\ntwo\tthree\\u{d}four"),
            ("\u{1b}[31m\u{202e}gpj<\u{200b}b>\0", "\\u{1b}[31m\\u{202e}gpj&lt;\\u{200b}b&gt;\\u{0}"),
        ] {
            let mut escaped = String::new();
            html(text, &mut escaped).unwrap();
            assert_eq!(escaped, expected, "{text:?}");
        }
    }

    #[test]
    fn only_formulas_are_disarmed_in_csv() {
        for (text, expected) in [
            ("", ""),
            ("CREATE_FAILED", "CREATE_FAILED"),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1-2", "'+1-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\\u{d}=1"),
            ("\n=1", "'\n=1"),
            ("\u{a0} @x", "'\u{a0} @x"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("-5", "-5"),
            ("+1.5", "+1.5"),
            ("-2e-3", "-2e-3"),
            ("a=b", "a=b"),
            (" =1", "' =1"),
            (" -5", " -5"),
            (" x", " x"),
            ("'x", "'x"),
        ] {
            assert_eq!(csv_cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn nothing_acts_on_a_terminal_in_csv() {
        for (text, expected) in [
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{9b}2J\u{7f}\0", "a\\u{9b}2J\\u{7f}\\u{0}"),
            ("\u{202e}gnp.exe\u{feff}", "\\u{202e}gnp.exe\\u{feff}"),
            ("one\r\ntwo\nthree\tfour\rfive", "one\ntwo\nthree\tfour\\u{d}five"),
            ("=1\u{1b}", "'=1\\u{1b}"),
            ("⚠\u{fe0f} größer", "⚠\u{fe0f} größer"),
        ] {
            assert_eq!(csv_cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        for text in ["##[group] ##vso[x]", "plain ü", "\u{9b}2J", "\u{7f}\u{202e}", "tag\u{e0041}"] {
            let escaped = json(text);
            assert!(!escaped.chars().any(is_hidden), "{text:?}");
            let back: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn xml_holds_no_character_that_it_does_not_know() {
        for (text, expected) in [
            ("größer\n<b> & \"x\"", "größer\n<b> & \"x\""),
            ("\u{0}\u{1b}[31m\r\n\u{fffe}\u{ffff}\u{b}", "\\u{0}\\u{1b}[31m\\u{d}\n\\u{fffe}\\u{ffff}\\u{b}"),
        ] {
            assert_eq!(xml(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_workflow_command_stays_one() {
        for (text, message, property) in [
            ("", "", ""),
            ("100 % sure", "100 %25 sure", "100 %25 sure"),
            ("a\n::error::b", "a%0A:\\u{3a}error::b", "a%0A%3A\\u{3a}error%3A%3Ab"),
            ("a\r::set-env name=x::y", "a\\u{d}::set-env name=x::y", "a\\u{d}%3A%3Aset-env name=x%3A%3Ay"),
            ("x,file=y ##[add-path]z", "x,file=y #\\u{23}[add-path]z", "x%2Cfile=y #\\u{23}[add-path]z"),
            ("%0A::x", "%250A::x", "%250A%3A%3Ax"),
            ("\u{2028}\u{85}", "\\u{2028}\\u{85}", "\\u{2028}\\u{85}"),
        ] {
            assert_eq!((&*workflow_message(text), &*workflow_property(text)), (message, property), "{text:?}");
        }
    }
}
