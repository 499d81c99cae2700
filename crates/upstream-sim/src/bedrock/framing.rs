//! Messages of `application/vnd.amazon.eventstream`, written. The checksum is the one of zlib
//! (reflected, polynomial 0xEDB88320), computed bit by bit.

use bytes::Bytes;

pub(super) fn event(kind: &str, payload: &str) -> Bytes {
    let names = [(":message-type", "event"), (":event-type", kind)];
    message(&[names[1], (":content-type", "application/json"), names[0]], payload)
}

pub(super) fn exception(kind: &str, payload: &str) -> Bytes {
    let names = [(":message-type", "exception"), (":exception-type", kind)];
    message(&[names[1], (":content-type", "application/json"), names[0]], payload)
}

fn message(headers: &[(&str, &str)], payload: &str) -> Bytes {
    const AROUND: usize = 16;
    const TEXT: u8 = 7;
    let mut written = Vec::new();
    for (name, value) in headers {
        written.push(name.len() as u8);
        written.extend(name.bytes());
        written.push(TEXT);
        written.extend((value.len() as u16).to_be_bytes());
        written.extend(value.bytes());
    }
    let total = AROUND + written.len() + payload.len();
    let mut message = Vec::with_capacity(total);
    message.extend((total as u32).to_be_bytes());
    message.extend((written.len() as u32).to_be_bytes());
    message.extend(checksum(&message).to_be_bytes());
    message.extend(written);
    message.extend(payload.bytes());
    message.extend(checksum(&message).to_be_bytes());
    Bytes::from(message)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        rest ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = rest & 1;
            rest >>= 1;
            if carry == 1 {
                rest ^= 0xedb8_8320;
            }
        }
    }
    !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }
}
