//! A whole capture without secrets: every file is learnt from before any is redacted, so that what the last one tells is
//! found in the first. Records keep their places, so that references lead where they led.
//! Used by `case redact`.

use super::Redactor;
use crate::model::{Asked, Capture, Form, Gap, Manifest, RecordFile, Redacted, Scope, Text};
use serde_json::Value;
use std::collections::BTreeSet;

impl Redactor {
    /// The capture, redacted. `of` is the SHA-256 that identifies the original case; `list` names the list of a source's
    /// JSON files, and is none where a file is one record as a whole.
    ///
    /// A record that is no JSON and holds what must be replaced is left out, and a gap says so.
    pub fn capture(&mut self, capture: &Capture, of: &str, list: impl Fn(&str) -> Option<&'static str>) -> Capture {
        self.learn_capture(capture);
        let mut gaps: Vec<Gap> = capture.gaps.iter().map(|gap| self.gap(gap)).collect();
        let mut names = BTreeSet::new();
        let files = capture.files.iter().map(|file| {
            let part = self.part(file, &mut names);
            self.file(file, part.as_deref(), list(file.source), &mut gaps)
        });
        let files = files.collect();
        let manifest = self.manifest(capture.manifest.clone().unwrap_or_default(), of);
        Capture { manifest: Some(manifest), files, gaps }
    }

    /// Learns from all files of a capture.
    pub(super) fn learn_capture(&mut self, capture: &Capture) {
        for file in capture.files.iter().filter(|file| file.source == "templates") {
            self.learn_template(&file.text);
        }
        let scope = capture.manifest.as_ref().map(|manifest| &manifest.scope);
        if let Some(scope) = scope.and_then(|scope| serde_json::to_value(scope).ok()) {
            self.learn(&scope);
        }
        if self.options.ids
            && let Some(stack) = scope.and_then(|scope| scope.stack.as_deref())
        {
            self.names.learn_value(super::names::Kind::Stack, stack);
        }
        for file in &capture.files {
            if file.form == Form::Lines {
                self.learn_text(&lines_of(file));
                continue;
            }
            for (_, record) in file.iter() {
                match serde_json::from_str::<Value>(record) {
                    Ok(value) => self.learn(&value),
                    Err(_) => self.learn_text(record),
                }
            }
        }
    }

    /// What the redacted file is named after; none where it keeps its name.
    fn part(&mut self, file: &RecordFile, names: &mut BTreeSet<String>) -> Option<String> {
        let part = file.part()?;
        let redacted = self.replace(&part).into_owned();
        let (stem, ending) = redacted
            .rsplit_once('.')
            .map_or((redacted.as_str(), String::new()), |(stem, ending)| (stem, format!(".{ending}")));
        let mut unique = redacted.clone();
        let mut number = 1;
        while !names.insert(format!("{}/{unique}", file.source).to_lowercase()) {
            number += 1;
            unique = format!("{stem}~{number}{ending}");
        }
        (unique != part).then_some(unique)
    }

    fn file(
        &mut self,
        file: &RecordFile,
        part: Option<&str>,
        list: Option<&'static str>,
        gaps: &mut Vec<Gap>,
    ) -> RecordFile {
        let mut redacted = match (file.form, list) {
            (Form::Lines, _) => RecordFile::lines(file.source, part),
            (Form::Json, Some(list)) => RecordFile::list(file.source, part, list),
            (Form::Json, None) => RecordFile::whole(file.source, part.unwrap_or_default(), &self.template(&file.text)),
        };
        if part.is_none() {
            redacted.name = file.name.clone();
        }
        match (file.form, list) {
            (Form::Lines, _) => self.replace(&lines_of(file)).split('\n').for_each(|line| {
                redacted.push(if line.is_empty() { "\n" } else { line });
            }),
            (Form::Json, Some(_)) => {
                for (reference, record) in file.iter() {
                    match self.record(record) {
                        Some(record) => redacted.push(&record),
                        None => gaps.push(
                            Gap::new(
                                file.source,
                                "the record is no JSON and holds what must not be shown; it was left out",
                            )
                            .at(self.replace(&reference.to_string()).into_owned()),
                        ),
                    }
                }
            }
            (Form::Json, None) => {}
        }
        redacted
    }

    /// A record on one line; none where it is no JSON and would not stay what it was.
    fn record(&mut self, record: &str) -> Option<String> {
        match serde_json::from_str::<Value>(record) {
            Ok(mut value) => {
                let stays = !self.replace_in(&mut value, None, 0) && !record.contains('\n');
                Some(if stays { record.to_owned() } else { value.to_string() })
            }
            Err(_) => (*self.replace(record) == *record).then(|| record.to_owned()),
        }
    }

    fn template(&mut self, text: &str) -> String {
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) => match self.replace_in(&mut value, None, 0) {
                true => format!("{value:#}\n"),
                false => text.to_owned(),
            },
            Err(_) => self.replace(text).into_owned(),
        }
    }

    fn gap(&mut self, gap: &Gap) -> Gap {
        let mut say = |text: &Text| Text::from(&*self.replace(text));
        Gap {
            source: gap.source.clone(),
            window: gap.window.as_ref().map(&mut say),
            why: say(&gap.why),
            remedy: gap.remedy.as_ref().map(say),
        }
    }

    fn manifest(&mut self, manifest: Manifest, of: &str) -> Manifest {
        let mut what: Vec<String> = manifest.redacted.map(|redacted| redacted.what).unwrap_or_default();
        what.extend(self.options.words().into_iter().map(str::to_owned));
        let mut told = BTreeSet::new();
        what.retain(|word| told.insert(word.clone()));
        let ids = self.options.ids;
        let mut say = |text: String| match ids.then(|| self.names.replace_value(&text, &mut self.ledger)).flatten() {
            Some(text) => self.replace(&text).into_owned(),
            None => self.replace(&text).into_owned(),
        };
        let scope = Scope {
            stack: manifest.scope.stack.map(&mut say),
            account: manifest.scope.account.map(&mut say),
            region: manifest.scope.region,
        };
        let asked = manifest.asked.into_iter().map(|asked| Asked { question: say(asked.question), ..asked }).collect();
        Manifest {
            scope,
            caller: manifest.caller.map(&mut say),
            asked,
            gaps: manifest.gaps.iter().map(|gap| self.gap(gap)).collect(),
            redacted: Some(Redacted { of: of.to_owned(), what }),
            ..manifest
        }
    }
}

/// The lines as one text: a private key goes over several.
fn lines_of(file: &RecordFile) -> String {
    let lines: Vec<&str> = file.iter().map(|(_, line)| line).collect();
    let mut text = String::with_capacity(file.text.len());
    for (at, line) in lines.into_iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}
