//! What a client can read: of some words the older ones stop.

use axum::http::{HeaderMap, header};

type Version = (u32, u32, u32);

const UNNAMED: Version = (1, 0, 0);
const PYTHON: &str = "backboard-python-sdk/";
/// The first that knows the status `error` of a document beside `failed`.
const KNOWS_ERROR: Version = (1, 5, 17);
/// The first that knows messages of the role `tool`.
const KNOWS_TOOL: Version = (1, 5, 10);

/// The first versions of the Python client do not name theirs. Any other whose version is not known is
/// taken for current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    version: Option<Version>,
}

impl Client {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let named = agent.and_then(|agent| agent.strip_prefix(PYTHON));
        Self { version: named.map(|named| version(named).unwrap_or(UNNAMED)) }
    }

    pub(super) fn knows_error(self) -> bool {
        self.is_from(KNOWS_ERROR)
    }

    pub(super) fn knows_tool(self) -> bool {
        self.is_from(KNOWS_TOOL)
    }

    fn is_from(self, first: Version) -> bool {
        self.version.is_none_or(|version| version >= first)
    }
}

fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split([' ', '.']).map_while(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next()?, numbers.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_are_known_by_their_version() {
        let of = |agent: &str| {
            let headers = HeaderMap::from_iter([(header::USER_AGENT, agent.parse().unwrap())]);
            let client = Client::of(&headers);
            (client.knows_error(), client.knows_tool())
        };
        assert_eq!(of("backboard-python-sdk/async"), (false, false));
        assert_eq!(of("backboard-python-sdk/1.4.12 (async)"), (false, false));
        assert_eq!(of("backboard-python-sdk/1.5.16 (async)"), (false, true));
        assert_eq!(of("backboard-python-sdk/1.5.17 (async)"), (true, true));
        assert_eq!(of("backboard-js-sdk/1.5.0"), (true, true));
    }
}
