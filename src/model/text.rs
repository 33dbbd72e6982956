//! Shared, immutable strings, and the set that makes equal ones share their memory.
//! A timeline of 400,000 events repeats the same few thousand names; each is kept once.
//! Used by everything that turns records into events.

/// A shared, immutable string; one machine word wide, which half a million events with a dozen of them each feel.
pub type Text = arcstr::ArcStr;

/// The strings seen so far; equal ones come back as the same [`Text`].
#[derive(Debug, Default)]
pub struct Texts {
    seen: hashbrown::HashSet<Text>,
}

/// Longer strings are messages, hardly ever seen twice: looking them up would cost more than it saves.
const LONGEST_SHARED: usize = 200;

impl Texts {
    /// The shared form of `text`.
    pub fn share(&mut self, text: &str) -> Text {
        if text.len() > LONGEST_SHARED {
            return Text::from(text);
        }
        self.seen.get_or_insert_with(text, |new| Text::from(new)).clone()
    }

    /// The shared form of `text`, if there is one and it is not empty: AWS prints `""` where it means "none".
    pub fn share_some(&mut self, text: Option<&str>) -> Option<Text> {
        text.filter(|text| !text.is_empty()).map(|text| self.share(text))
    }
}
