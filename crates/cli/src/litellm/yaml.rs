//! YAML as a tree that knows its lines and keeps every scalar as it was written: a price must not
//! pass through a float, and a report must say where.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail, ensure};
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

/// Far above what any configuration has.
const DEPTH_MAX: usize = 64;
const NODES_MAX: usize = 100_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// From 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    /// Text, number or boolean, as it was written.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// Of the key.
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    /// Empty for anything but a mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Empty for anything but a list.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    fn size(&self) -> usize {
        let inner = self.entries().iter().map(|entry| &entry.value).chain(self.items());
        1 + inner.map(Self::size).sum::<usize>()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

/// The first document of `text`, with anchors and merge keys (`<<`) resolved.
pub(super) fn parse(text: &str) -> Result<Node> {
    Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 }.document()
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    /// Read or repeated by an alias so far.
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Node> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => bail!("it is empty"),
                (event, line) => return self.node(event, line, 0),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, usize)> {
        match self.events.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => {
                bail!("line {}: it is not YAML: {}", error.marker().line(), error.info())
            }
            None => bail!("it ends in the middle"),
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node> {
        ensure!(depth <= DEPTH_MAX, "line {line}: it is nested more than {DEPTH_MAX} deep");
        self.count(1, line)?;
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.with_context(|| format!("line {line}: an alias of itself"))?;
                self.count(node.size(), line)?;
                return Ok(Node { line, ..node });
            }
            Event::Scalar(text, ScalarStyle::Plain, anchor, _) if is_null(&text) => {
                (anchor, Value::Null)
            }
            Event::Scalar(text, _, anchor, _) => (anchor, Value::Scalar(text.into_owned())),
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            _ => bail!("line {line}: a value is missing"),
        };
        let node = Node { line, value };
        // The parser numbers anchors from 1; 0 is none.
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(merged(entries))),
                (Event::Scalar(key, ..), line) => (key.into_owned(), line),
                (_, line) => bail!("line {line}: a key is not a word"),
            };
            if entries.iter().any(|entry| entry.key == key) {
                bail!("line {line}: {key} is there twice");
            }
            let (event, value_line) = self.next()?;
            let value = self.node(event, value_line, depth + 1)?;
            entries.push(Entry { key, line, value });
        }
    }

    /// Aliases of aliases make a few lines into a tree without end.
    fn count(&mut self, nodes: usize, line: usize) -> Result<()> {
        self.nodes += nodes;
        ensure!(self.nodes <= NODES_MAX, "line {line}: it has more than {NODES_MAX} values");
        Ok(())
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Puts the entries of `<<` after the mapping's own, which win
/// (<https://yaml.org/type/merge.html>).
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.key == "<<");
    for merge in merges {
        let sources = match merge.value.value {
            Value::List(items) => items,
            _ => vec![merge.value],
        };
        for entry in sources.iter().flat_map(Node::entries) {
            if !own.iter().any(|known| known.key == entry.key) {
                own.push(entry.clone());
            }
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stay_as_written_and_lines_are_known() {
        let root = parse("a: 1.50e-7\nb:\n  - \"null\"\n  - null\n").unwrap();
        assert_eq!(root.get("a").unwrap().text(), Some("1.50e-7"));
        let items = root.get("b").unwrap().items();
        assert_eq!(items[0].text(), Some("null"));
        assert_eq!((&items[1].value, items[1].line), (&Value::Null, 4));
    }

    #[test]
    fn a_merge_key_fills_in_what_the_mapping_does_not_say() {
        let root = parse("d: &d {rpm: 1, tpm: 2}\nm:\n  <<: *d\n  rpm: 3\n").unwrap();
        let merged = root.get("m").unwrap();
        assert_eq!(merged.get("rpm").unwrap().text(), Some("3"));
        assert_eq!(merged.get("tpm").unwrap().text(), Some("2"));
    }

    #[test]
    fn what_is_not_yaml_or_would_explode_is_refused_with_a_line() {
        for (text, line) in [("a:\n  - b\n c: d\n", "line 3"), ("a: 1\na: 2\n", "line 2")] {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(line), "{error}");
        }
        assert!(parse("# nothing\n").unwrap_err().to_string().contains("empty"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let inner = format!("*a{},", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        parse(&bomb).unwrap_err();
    }
}
