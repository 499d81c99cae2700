//! Pages of a list: `limit` and `cursor` in, `data` and `next` out.

use backstay_store::{Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIMIT_DEFAULT: usize = 50;

#[derive(Debug, Default, Deserialize, IntoParams)]
pub(crate) struct PageQuery {
    /// Items on a page, 50 unless told.
    pub(crate) limit: Option<usize>,
    /// The `next` of the page before.
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    pub(crate) fn request(self) -> PageRequest {
        PageRequest { limit: self.limit.unwrap_or(LIMIT_DEFAULT), cursor: self.cursor }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct PageBody<T> {
    data: Vec<T>,
    /// Give it back as `cursor` for the next page; null at the end.
    next: Option<String>,
}

impl<T> PageBody<T> {
    pub(crate) fn of<Row>(page: Page<Row>, show: impl Fn(Row) -> T) -> Self {
        Self { data: page.items.into_iter().map(show).collect(), next: page.next }
    }
}

/// A list that always fits one answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct ListBody<T> {
    pub(crate) data: Vec<T>,
}
