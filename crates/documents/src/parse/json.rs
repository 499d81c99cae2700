//! JSON and JSON Lines: values as they are written, cut along their structure. A part that is not too
//! long is kept whole; of a longer one each member is looked at, under the path to it.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Whole;
use crate::{Format, ParseError, sink::Sink, text::LineCounter};

/// Some hundred tokens: about what a chunk holds.
const WHOLE_BYTES: usize = 1_200;
/// Each level is read once more; further down, values are cut wherever they get too long.
const DEPTH_MAX: u32 = 32;

pub(super) fn parse(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    check_depth(text, sink, "JSON file")?;
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => {
            Values { text, lines: LineCounter::new(text) }.value(value, "", 0, sink)?;
            Ok(Whole::default())
        }
        Err(cause) => {
            let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
            let is_lines = text.trim().lines().nth(1).is_some()
                && first.trim_start().starts_with(['{', '['])
                && serde_json::from_str::<&RawValue>(first).is_ok();
            if !is_lines {
                return Err(unreadable("JSON file", &cause));
            }
            sink.note("It holds one JSON value in each line, so it was read as JSON Lines.")?;
            parse_lines(text, sink)
        }
    }
}

pub(super) fn parse_lines(text: &str, sink: &mut Sink<'_>) -> Result<Whole, ParseError> {
    check_depth(text, sink, "JSON Lines file")?;
    let mut values = Values { text, lines: LineCounter::new(text) };
    let mut short: Vec<&RawValue> = Vec::new();
    let mut bytes = 0;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !line.trim().is_empty() {
            // Of the whole text, so that its position is known; blanks around it are no part of it.
            let value: &RawValue = serde_json::from_str(&text[offset..offset + line.len()])
                .map_err(|cause| {
                    unreadable(&format!("JSON Lines file, in line {},", index + 1), &cause)
                })?;
            if bytes + value.get().len() > WHOLE_BYTES {
                values.records(&mut short, sink)?;
                bytes = 0;
            }
            if value.get().len() > WHOLE_BYTES {
                values.value(value, "", 0, sink)?;
            } else {
                bytes += value.get().len();
                short.push(value);
            }
        }
        offset += line.len();
    }
    values.records(&mut short, sink)?;
    Ok(Whole { format: Some(Format::JsonLines), ..Whole::default() })
}

fn unreadable(what: &str, cause: &serde_json::Error) -> ParseError {
    ParseError::damaged(what, cause)
}

/// Looked at before anything else, so that no later step has to care.
fn check_depth(text: &str, sink: &Sink<'_>, what: &str) -> Result<(), ParseError> {
    let limit = sink.limits().depth;
    let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > limit {
                    return Err(ParseError::too_deep(what, limit));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

struct Values<'t> {
    text: &'t str,
    lines: LineCounter<'t>,
}

impl<'t> Values<'t> {
    fn value(
        &mut self,
        value: &'t RawValue,
        path: &str,
        depth: u32,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let raw = value.get();
        if raw.len() > WHOLE_BYTES && depth < DEPTH_MAX {
            if raw.starts_with('{') {
                let members: Vec<(Cow<'t, str>, &'t RawValue)> =
                    serde_json::from_str::<Members<'t>>(raw)
                        .map_err(|cause| unreadable("JSON file", &cause))?
                        .0;
                return self.members(&members, path, depth, sink);
            }
            if raw.starts_with('[') {
                let items: Vec<&'t RawValue> =
                    serde_json::from_str(raw).map_err(|cause| unreadable("JSON file", &cause))?;
                return self.items(&items, path, depth, sink);
            }
        }
        self.emit(path, raw, raw, sink)
    }

    /// Short neighbours stay together, because they say what the long ones belong to.
    fn members(
        &mut self,
        members: &[(Cow<'t, str>, &'t RawValue)],
        path: &str,
        depth: u32,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let mut at = 0;
        while at < members.len() {
            let run = run_of_short(&members[at..], |(name, value)| name.len() + value.get().len());
            if run == 0 {
                let (name, value) = &members[at];
                self.value(value, &join(path, name), depth + 1, sink)?;
                at += 1;
                continue;
            }
            let lines: Vec<String> = members[at..at + run]
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.get()))
                .collect();
            let (first, last) = (members[at].1.get(), members[at + run - 1].1.get());
            self.emit_between(path, &lines.join("\n"), first, last, sink)?;
            at += run;
        }
        Ok(())
    }

    fn items(
        &mut self,
        items: &[&'t RawValue],
        path: &str,
        depth: u32,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let mut at = 0;
        while at < items.len() {
            let run = run_of_short(&items[at..], |value| value.get().len());
            let here = format!("{path}[{at}]");
            if run == 0 {
                self.value(items[at], &here, depth + 1, sink)?;
                at += 1;
                continue;
            }
            let lines: Vec<&str> = items[at..at + run].iter().map(|value| value.get()).collect();
            self.emit_between(
                &here,
                &lines.join("\n"),
                items[at].get(),
                items[at + run - 1].get(),
                sink,
            )?;
            at += run;
        }
        Ok(())
    }

    /// Short records that follow each other, one in each line.
    fn records(
        &mut self,
        records: &mut Vec<&'t RawValue>,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        let lines: Vec<&str> = records.iter().map(|value| value.get()).collect();
        self.emit_between("", &lines.join("\n"), first.get(), last.get(), sink)?;
        records.clear();
        Ok(())
    }

    fn emit(
        &mut self,
        path: &str,
        text: &str,
        raw: &'t str,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        self.emit_between(path, text, raw, raw, sink)
    }

    fn emit_between(
        &mut self,
        path: &str,
        text: &str,
        first: &'t str,
        last: &'t str,
        sink: &mut Sink<'_>,
    ) -> Result<(), ParseError> {
        let source = self.lines.source(self.offset(first), self.offset(last) + last.len());
        if path.is_empty() {
            sink.code(Some("json"), text, source)
        } else {
            sink.code(Some("json"), &format!("{path}:\n{text}"), source)
        }
    }

    /// Where a part of the text is in it.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }
}

fn run_of_short<T>(members: &[T], bytes: impl Fn(&T) -> usize) -> usize {
    let mut total = 0;
    members
        .iter()
        .take_while(|member| {
            total += bytes(member);
            total <= WHOLE_BYTES
        })
        .count()
}

fn join(path: &str, name: &str) -> String {
    let name = &name[..crate::text::floor_boundary(name, 100)];
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The members of an object in the order in which they are written, repeated names included.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> serde::de::Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            members.push(entry);
        }
        Ok(Members(members))
    }
}
