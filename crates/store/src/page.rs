//! Pages of a list: keyset cursors, so that a page costs the same however far in it lies.

use backstay_core::{Error, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

const LIMIT_MAX: usize = 200;
const CURSOR_BYTES_MAX: usize = 1_024;

/// Which page of a list. A limit beyond 200 is taken as 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: usize,
    /// The `next` of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: 50, cursor: None }
    }
}

/// Some items of a list, and where it goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` at the end of the list.
    pub next: Option<String>,
}

impl PageRequest {
    pub(crate) fn limit(&self) -> usize {
        self.limit.clamp(1, LIMIT_MAX)
    }

    /// One item more than the page has tells whether there is another page.
    pub(crate) fn rows(&self) -> usize {
        self.limit() + 1
    }

    /// The number and the text that the last item of the page before was sorted by. The first page
    /// begins at `start`.
    pub(crate) fn after(&self, start: (i64, &str)) -> Result<(i64, String)> {
        let Some(cursor) = &self.cursor else {
            return Ok((start.0, start.1.to_owned()));
        };
        decode(cursor).ok_or_else(|| {
            Error::invalid("this cursor was not made here; send the `next` of the page before")
                .with_parameter("cursor")
        })
    }
}

fn decode(cursor: &str) -> Option<(i64, String)> {
    if cursor.len() > CURSOR_BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (number, text) = text.split_once(':')?;
    Some((number.parse().ok()?, text.to_owned()))
}

impl<T> Page<T> {
    /// Makes a page of at most `request.rows()` items; `key` is what the list is sorted by.
    pub(crate) fn of(
        mut items: Vec<T>,
        request: &PageRequest,
        key: impl FnOnce(&T) -> (i64, &str),
    ) -> Self {
        let more = items.len() > request.limit();
        items.truncate(request.limit());
        let next = items.last().filter(|_| more).map(|last| {
            let (number, text) = key(last);
            URL_SAFE_NO_PAD.encode(format!("{number}:{text}"))
        });
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next_and_a_foreign_cursor_is_refused() {
        let request = PageRequest { limit: 2, cursor: None };
        let page = Page::of(vec!["a", "b", "c"], &request, |item| (7, item));
        assert_eq!(page.items, ["a", "b"]);
        let following = PageRequest { limit: 2, cursor: page.next };
        assert_eq!(following.after((0, "")).unwrap(), (7, "b".to_owned()));
        assert_eq!(Page::of(vec!["c"], &following, |item| (7, item)).next, None);
        for foreign in ["", "!", "aGVsbG8"] {
            let request = PageRequest { limit: 2, cursor: Some(foreign.to_owned()) };
            assert_eq!(request.after((0, "")).unwrap_err().parameter(), Some("cursor"));
        }
    }
}
