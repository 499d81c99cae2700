//! Amazon's event stream framing (`application/vnd.amazon.eventstream`): an incremental parser.
//!
//! Reference: <https://smithy.io/2.0/aws/amazon-eventstream.html>. A message is a prelude of two
//! lengths and their checksum, headers, a payload, and a checksum of it all, in big-endian order.

use backstay_core::{Error, ErrorCode, Result, limits};
use bytes::Bytes;

use crate::{
    SseEvent,
    upstream_error::{broken_stream, malformed},
};

const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;
const MESSAGE_BYTES_MIN: usize = PRELUDE_BYTES + CHECKSUM_BYTES;
/// The specification's limit.
const HEADERS_BYTES_MAX: usize = 128 * 1024;

/// The name under which an error of the stream itself is handed out.
pub(crate) const ERROR_EVENT: &str = "error";

/// Takes bytes in any portions and gives messages, in the shape of server-sent events: the type of an
/// event or an exception as its name, the payload as its data. After an error it must not be used
/// again.
#[derive(Debug, Default)]
pub struct EventStreamParser {
    buffer: Vec<u8>,
}

impl EventStreamParser {
    /// The messages that `bytes` complete.
    ///
    /// # Errors
    /// `UpstreamInvalidResponse` for a checksum that does not fit, lengths that cannot be, and a
    /// message larger than [`limits::SSE_EVENT_BYTES_MAX`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>> {
        self.buffer.extend_from_slice(bytes);
        let mut messages = Vec::new();
        let mut read = 0;
        while let Some(length) = message_length(&self.buffer[read..])? {
            let Some(message) = self.buffer.get(read..read + length) else { break };
            messages.push(read_message(message)?);
            read += length;
        }
        self.buffer.drain(..read);
        Ok(messages)
    }

    /// # Errors
    /// `UpstreamStreamBroken` when the connection ended within a message.
    pub fn finish(&mut self) -> Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { Err(broken_stream()) }
    }
}

/// How long the message is that begins here; `None` until its prelude is complete. The prelude is
/// checked at once, so that a wrong length is not waited for.
fn message_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(prelude) = bytes.get(..PRELUDE_BYTES) else { return Ok(None) };
    let (lengths, checksum) = prelude.split_at(8);
    if crc32fast::hash(lengths) != number(checksum) {
        return Err(malformed("a message whose lengths do not fit their checksum", ""));
    }
    let total = number(lengths) as usize;
    let headers = number(&lengths[4..]) as usize;
    if total > limits::SSE_EVENT_BYTES_MAX {
        return Err(Error::new(
            ErrorCode::UpstreamInvalidResponse,
            format!(
                "the provider sent a single event of more than {} bytes, which is the limit",
                limits::SSE_EVENT_BYTES_MAX
            ),
        ));
    }
    if headers > HEADERS_BYTES_MAX || total < MESSAGE_BYTES_MIN + headers {
        return Err(malformed("a message with impossible lengths", format!("{total}, {headers}")));
    }
    Ok(Some(total))
}

/// Reads a whole message, whose lengths have been checked.
fn read_message(message: &[u8]) -> Result<SseEvent> {
    let (content, checksum) = message.split_at(message.len() - CHECKSUM_BYTES);
    if crc32fast::hash(content) != number(checksum) {
        return Err(malformed("a message that does not fit its checksum", ""));
    }
    let headers_length = number(&content[4..]) as usize;
    let (headers, payload) = content[PRELUDE_BYTES..].split_at(headers_length);
    let names = Names::read(headers)
        .ok_or_else(|| malformed("a message whose headers cannot be read", ""))?;
    let data = match names.error {
        Some(error) => error,
        None => String::from_utf8_lossy(payload).into_owned(),
    };
    Ok(SseEvent { event: names.event, data, raw: Bytes::copy_from_slice(message) })
}

/// What the headers say of the message.
#[derive(Default)]
struct Names {
    event: Option<String>,
    /// The message of an error, which has no payload, as JSON.
    error: Option<String>,
}

impl Names {
    fn read(mut bytes: &[u8]) -> Option<Self> {
        let (mut message_type, mut event, mut exception) = (None, None, None);
        let (mut error_code, mut error_message) = (None, None);
        while !bytes.is_empty() {
            let (name, value, rest) = read_header(bytes)?;
            bytes = rest;
            let Some(value) = value else { continue };
            match name {
                b":message-type" => message_type = Some(value),
                b":event-type" => event = Some(value),
                b":exception-type" => exception = Some(value),
                b":error-code" => error_code = Some(value),
                b":error-message" => error_message = Some(value),
                _ => {}
            }
        }
        Some(match message_type.as_deref() {
            Some("exception") => Self { event: exception, error: None },
            Some("error") => {
                let said = serde_json::json!({"code": error_code, "message": error_message});
                Self { event: Some(ERROR_EVENT.to_owned()), error: Some(said.to_string()) }
            }
            _ => Self { event, error: None },
        })
    }
}

type Header<'a> = (&'a [u8], Option<String>, &'a [u8]);

/// Name, value where it is text, and what follows. `None` for what is no header.
fn read_header(bytes: &[u8]) -> Option<Header<'_>> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let fixed = |length: usize| rest.get(length..);
    let rest = match kind {
        0 | 1 => rest,
        2 => fixed(1)?,
        3 => fixed(2)?,
        4 => fixed(4)?,
        5 | 8 => fixed(8)?,
        9 => fixed(16)?,
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let text = (*kind == 7).then(|| String::from_utf8_lossy(value).into_owned());
            return Some((name, text, rest));
        }
        _ => return None,
    };
    Some((name, None, rest))
}

/// The first four bytes as a number; there are always four where this is called.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(name: &str, value: &str) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(name.len()).unwrap()];
        bytes.extend(name.as_bytes());
        bytes.push(7);
        bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend(value.as_bytes());
        bytes
    }

    fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let total = MESSAGE_BYTES_MIN + headers.len() + payload.len();
        let mut bytes = u32::try_from(total).unwrap().to_be_bytes().to_vec();
        bytes.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes.extend(headers);
        bytes.extend(payload);
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    fn event(kind: &str, payload: &str) -> Vec<u8> {
        let headers = [header(":message-type", "event"), header(":event-type", kind)].concat();
        message(&headers, payload.as_bytes())
    }

    fn all(portions: &[&[u8]]) -> Result<Vec<SseEvent>> {
        let mut parser = EventStreamParser::default();
        let mut messages = Vec::new();
        for portion in portions {
            messages.extend(parser.push(portion)?);
        }
        parser.finish()?;
        Ok(messages)
    }

    /// The specification's own example of a message without headers and payload.
    #[test]
    fn the_published_empty_message_is_read() {
        let bytes: [u8; 16] = [
            0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98,
            0xc8, 0xff,
        ];
        let read = all(&[&bytes]).unwrap();
        assert_eq!((read.len(), read[0].event.as_deref(), read[0].data.as_str()), (1, None, ""));
    }

    #[test]
    fn headers_of_every_type_are_passed_over() {
        let mut headers = Vec::new();
        for (kind, value) in [
            (0, vec![]),
            (1, vec![]),
            (2, vec![1]),
            (3, vec![0, 1]),
            (4, vec![0; 4]),
            (5, vec![0; 8]),
            (6, vec![0, 2, 9, 9]),
            (8, vec![0; 8]),
            (9, vec![0; 16]),
        ] {
            headers.extend([1, b'h', kind]);
            headers.extend(value);
        }
        headers.extend(header(":event-type", "metadata"));
        let read = all(&[&message(&headers, b"{}")]).unwrap();
        assert_eq!(read[0].event.as_deref(), Some("metadata"));
    }

    #[test]
    fn an_exception_and_an_error_have_names_of_their_own() {
        let exception = [
            header(":message-type", "exception"),
            header(":exception-type", "throttlingException"),
        ];
        let error = [
            header(":message-type", "error"),
            header(":error-code", "InternalError"),
            header(":error-message", "it broke"),
        ];
        let bytes = [message(&exception.concat(), b"{}"), message(&error.concat(), b"")].concat();
        let read = all(&[&bytes]).unwrap();
        assert_eq!(read[0].event.as_deref(), Some("throttlingException"));
        assert_eq!(read[1].event.as_deref(), Some(ERROR_EVENT));
        assert!(read[1].data.contains("it broke"));
    }

    #[test]
    fn a_flipped_bit_an_endless_message_and_a_cut_are_refused() {
        let good = event("messageStop", "{\"stopReason\":\"end_turn\"}");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(all(&[&bad]).is_err(), "bit of byte {at}");
        }
        let mut endless = u32::MAX.to_be_bytes().to_vec();
        endless.extend(0_u32.to_be_bytes());
        endless.extend(crc32fast::hash(&endless).to_be_bytes());
        let refused = all(&[&endless]).unwrap_err();
        assert!(refused.message().contains("8388608"), "{refused}");
        let mut inconsistent = 20_u32.to_be_bytes().to_vec();
        inconsistent.extend(5_u32.to_be_bytes());
        inconsistent.extend(crc32fast::hash(&inconsistent).to_be_bytes());
        assert_eq!(all(&[&inconsistent]).unwrap_err().code(), ErrorCode::UpstreamInvalidResponse);
        let cut = all(&[&good[..good.len() - 1]]).unwrap_err();
        assert_eq!(cut.code(), ErrorCode::UpstreamStreamBroken);
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_their_bytes_are_cut(
            texts in prop::collection::vec(".{0,40}", 1..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes: Vec<u8> =
                texts.iter().flat_map(|text| event("contentBlockDelta", text)).collect();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.sort_unstable();
            let mut portions = Vec::new();
            let mut from = 0;
            for place in places {
                portions.push(&bytes[from..place]);
                from = place;
            }
            portions.push(&bytes[from..]);
            let read = all(&portions).unwrap();
            let data: Vec<&str> = read.iter().map(|event| event.data.as_str()).collect();
            prop_assert_eq!(data, texts);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _outcome = all(&[&bytes]);
        }

        #[test]
        fn headers_that_pass_their_checksum_do_not_make_it_panic(
            headers in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let _outcome = all(&[&message(&headers, b"{}")]);
        }
    }
}
