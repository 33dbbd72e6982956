//! From a file's bytes to text: byte order marks, UTF-16, invalid UTF-8, NUL bytes, endless lines.
//! It loses as little as it can and says what it lost.
//! Used by the case reader only.

use crate::sources::Layout;

/// A longer line of a log is cut here: nothing that we look for stands further right.
pub const LONGEST_LINE: usize = 64 * 1024;

/// The text of `bytes`, and what had to be mended.
pub fn clean(bytes: Vec<u8>, layout: Layout) -> (String, Vec<String>) {
    let mut faults = Vec::new();
    let text = decode(bytes, &mut faults);
    if layout != Layout::Lines {
        return (text, faults);
    }
    let text = if text.contains('\0') {
        faults.push("it has NUL bytes, which are left out".to_owned());
        text.replace('\0', "")
    } else {
        text
    };
    if text.split('\n').any(|line| line.len() > LONGEST_LINE) {
        faults.push(format!("it has lines of more than {LONGEST_LINE} bytes, which are cut"));
        return (cut_lines(&text), faults);
    }
    (text, faults)
}

fn decode(mut bytes: Vec<u8>, faults: &mut Vec<String>) -> String {
    // Windows PowerShell's `>` writes UTF-16 with a byte order mark.
    match bytes.get(..2) {
        Some([0xFF, 0xFE]) => return utf16(&bytes, u16::from_le_bytes, faults),
        Some([0xFE, 0xFF]) => return utf16(&bytes, u16::from_be_bytes, faults),
        _ => {}
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let at = error.utf8_error().valid_up_to();
        faults.push(format!("it is not UTF-8 at byte {at}; what is not is replaced"));
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, faults: &mut Vec<String>) -> String {
    let units: Vec<u16> =
        bytes.get(2..).unwrap_or_default().chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).unwrap_or_else(|_| {
        faults.push("it is not valid UTF-16; what is not is replaced".to_owned());
        String::from_utf16_lossy(&units)
    })
}

fn cut_lines(text: &str) -> String {
    let mut cut = String::with_capacity(text.len().min(1 << 20));
    for line in text.split_inclusive('\n') {
        if line.len() <= LONGEST_LINE {
            cut.push_str(line);
            continue;
        }
        let end = (0..=LONGEST_LINE).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        cut.push_str(line.get(..end).unwrap_or_default());
        cut.push('\n');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_with_as_little_loss_as_can_be() {
        let utf16: Vec<u8> = "\u{feff}{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, layout, expected, faults) in [
            (b"\xEF\xBB\xBF{}".to_vec(), Layout::Json, "{}", 0),
            (utf16, Layout::Json, "{\"a\":1}", 0),
            (b"caf\xE9\n".to_vec(), Layout::Lines, "caf\u{FFFD}\n", 1),
            (b"a\0b\n".to_vec(), Layout::Lines, "ab\n", 1),
            (b"a\r\nb".to_vec(), Layout::Lines, "a\r\nb", 0),
        ] {
            let (text, found) = clean(bytes, layout);
            assert_eq!((text.as_str(), found.len()), (expected, faults), "{found:?}");
        }
    }

    #[test]
    fn long_lines_are_cut_and_stay_lines() {
        let long = format!("{}\nnext\n", "é".repeat(LONGEST_LINE));
        let (text, faults) = clean(long.into_bytes(), Layout::Lines);
        assert_eq!(faults.len(), 1);
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(text.lines().nth(1), Some("next"));
    }
}
