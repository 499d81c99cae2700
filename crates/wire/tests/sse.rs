//! Server-sent events mean the same however the network cuts them.

#![expect(clippy::unwrap_used, reason = "a helper that fails has to stop the test")]

use backstay_wire::{SseEvent, SseParser};
use proptest::prelude::*;

/// What a careful client of the grammar would see, computed from the whole text at once.
fn expected(text: &str) -> Vec<(Option<String>, String)> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    for block in lines.split("\n\n") {
        let (mut name, mut data) = (None, Vec::new());
        for line in block.split('\n').filter(|line| !line.starts_with(':')) {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => name = Some(value.to_owned()),
                "data" => data.push(value),
                _ => {}
            }
        }
        if !data.is_empty() {
            events.push((name, data.join("\n")));
        }
    }
    events
}

fn parse<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> Vec<SseEvent> {
    let mut parser = SseParser::default();
    let mut events = Vec::new();
    for portion in portions {
        events.extend(parser.push(portion).unwrap());
    }
    events.extend(parser.finish());
    events
}

fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, end)| &bytes[start..*end]).collect()
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(": keep-alive".to_owned()),
        Just("data".to_owned()),
        Just("data:".to_owned()),
        Just("data: [DONE]".to_owned()),
        Just("retry: 3".to_owned()),
        Just("data: {\"a\":\"\u{1F980} \u{E9}\u{FEFF}\"}".to_owned()),
        "(data|event|id|x|)(:| : |: |)[a-z\u{E4}\u{1F600}: ]{0,12}",
    ]
}

fn stream() -> impl Strategy<Value = String> {
    let ending = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let lines = prop::collection::vec((line(), ending), 0..24);
    (any::<bool>(), lines).prop_map(|(mark, lines)| {
        let mut text = if mark { "\u{FEFF}".to_owned() } else { String::new() };
        for (line, ending) in lines {
            text.push_str(&line);
            text.push_str(ending);
        }
        text
    })
}

proptest! {
    #[test]
    fn any_cut_of_a_stream_gives_the_same_events(
        text in stream(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = parse([text.as_bytes()]);
        let told: Vec<_> =
            whole.iter().map(|event| (event.event.clone(), event.data.clone())).collect();
        prop_assert_eq!(told, expected(&text));
        prop_assert_eq!(&parse(cut(text.as_bytes(), &places)), &whole);
        prop_assert_eq!(&parse(text.as_bytes().chunks(1)), &whole);
    }

    #[test]
    fn forwarded_bytes_parse_to_the_same_events(text in stream()) {
        let events = parse([text.as_bytes()]);
        let forwarded: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).collect();
        prop_assert_eq!(parse([forwarded.as_slice()]), events);
    }

    #[test]
    fn bytes_that_are_no_text_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        prop_assert_eq!(parse(cut(&bytes, &places)), parse([bytes.as_slice()]));
    }
}
