//! Pages of a list: newest first, with an opaque cursor.
//!
//! A cursor is a place in an index, not a number of rows, so a list that grows at its head while it
//! is read shows nothing twice and skips nothing. Shards may have records of one key each (a clearing
//! has the same key in all), so the place names the shard too.

use crate::problem::Problem;
use crate::state::AppState;
use axum::Json;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::store::{Found, Queries, Scan, StoreError};
use engine::{Record, ShardCode, index_time};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Items of a page unless the client says otherwise.
pub const PAGE_DEFAULT: u32 = 50;
/// Most items of a page.
pub const PAGE_MAX: u32 = 200;
/// Rows read for one page when a filter passes few of them over.
const ROWS_PER_PAGE_MAX: usize = 2_000;

/// A page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Give it as `after` to go on; absent at the end. A page may be short, even empty, and still
    /// have a next one when a filter passes over many objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a client may ask of any list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    limit: usize,
    after: Option<(String, String)>,
    /// The shard of the last item, where the list is one of several shards.
    after_shard: Option<ShardCode>,
}

impl PageRequest {
    /// Reads `limit` and `after`.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn new(limit: Option<u32>, after: Option<&str>) -> Result<PageRequest, Problem> {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::parameter(
                "limit",
                format!("limit must be 1 to {PAGE_MAX}"),
            ));
        }
        let after = after
            .map(|text| read_cursor(text).ok_or_else(no_cursor))
            .transpose()?;
        let (after, after_shard) = match after {
            Some(place) => (Some((place.value, place.key)), place.shard),
            None => (None, None),
        };
        Ok(PageRequest {
            limit: limit as usize,
            after,
            after_shard,
        })
    }

    /// Most items of the page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Value and key after which the page begins.
    pub fn after(&self) -> Option<&(String, String)> {
        self.after.as_ref()
    }

    /// The number after which the page begins, where things are listed by their numbers.
    ///
    /// # Errors
    /// 400 when the cursor is that of another list.
    pub fn after_number(&self) -> Result<Option<u64>, Problem> {
        let number = self.after().map(|(_, key)| key.parse());
        number.transpose().map_err(|_| no_cursor())
    }

    /// Cuts what was read, one more than the page takes, to the page. Gives its `next`, if there is one: `place` makes
    /// it of the last item.
    pub fn cut<T>(&self, read: &mut Vec<T>, place: impl FnOnce(&T) -> String) -> Option<String> {
        let more = read.len() > self.limit;
        read.truncate(self.limit);
        read.last().filter(|_| more).map(place)
    }
}

fn no_cursor() -> Problem {
    Problem::parameter("after", "after must be the next of an earlier page")
}

/// A place in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    value: String,
    key: String,
    /// Where the record is; those of the same value and key in later shards follow it.
    shard: Option<ShardCode>,
}

impl Place {
    fn cursor(&self) -> String {
        match self.shard {
            Some(shard) => cursor(&self.value, &format!("{}\n{shard}", self.key)),
            None => cursor(&self.value, &self.key),
        }
    }

    /// What a scan of a shard goes on after.
    fn in_shard(&self, shard: ShardCode) -> (String, String) {
        let mut key = self.key.clone();
        if self.shard.is_some_and(|own| own < shard) {
            // Behind the key itself and before every other: no key has a control character.
            key.push('\u{1}');
        }
        (self.value.clone(), key)
    }
}

/// A place in an index as opaque text.
pub fn cursor(value: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{value}\n{key}"))
}

fn read_cursor(text: &str) -> Option<Place> {
    if text.len() > 1_000 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (value, key) = text.split_once('\n')?;
    let (key, shard) = match key.split_once('\n') {
        Some((key, shard)) => (key, Some(shard.parse().ok()?)),
        None => (key, None),
    };
    if value.chars().chain(key.chars()).any(char::is_control) {
        return None;
    }
    let (value, key) = (value.to_owned(), key.to_owned());
    Some(Place { value, key, shard })
}

/// A range of one index.
#[derive(Debug, Clone)]
pub struct Range {
    /// Index.
    pub index: &'static str,
    /// First value, inclusive.
    pub from: String,
    /// Last value, exclusive.
    pub to: String,
}

impl Range {
    /// A whole index.
    pub fn all(index: &'static str) -> Range {
        Range {
            index,
            from: String::new(),
            to: "~".to_owned(),
        }
    }

    /// The values of an index over time between two instants.
    pub fn between(index: &'static str, from: Option<Timestamp>, to: Option<Timestamp>) -> Range {
        Range {
            index,
            from: from.map(index_time).unwrap_or_default(),
            to: to.map_or_else(|| "~".to_owned(), index_time),
        }
    }

    /// The same below a prefix and a slash.
    pub fn below(self, prefix: &str) -> Range {
        Range {
            index: self.index,
            from: format!("{prefix}/{}", self.from),
            to: format!("{prefix}/{}", self.to),
        }
    }
}

/// Reads a page of records that `keep` lets pass, newest first: of the shard that the range names, or
/// of all, in one order.
///
/// # Errors
/// 503 when the store cannot be read.
pub async fn list<R, T>(
    state: &AppState,
    range: Range,
    page: PageRequest,
    keep: impl Fn(&R) -> bool + Send + 'static,
    show: impl Fn(R) -> T + Send + 'static,
) -> Result<Json<Page<T>>, Problem>
where
    R: Record,
    T: Send + 'static,
{
    let book = state.book();
    let mut shards: Vec<(ShardCode, Arc<dyn Queries>)> =
        book.shards().zip(book.all_queries()).collect();
    if let Some(named) = book.shard_of(&range.from) {
        shards.retain(|(shard, _)| *shard == named);
    }
    let read = state.read_all(move |_| read_page(&shards, &range, &page, &keep, &show));
    read.await.map(Json)
}

/// The next rows of an index over some shards, greatest first; of the same value and key in the order
/// of the shards.
fn next_rows(
    shards: &[(ShardCode, Arc<dyn Queries>)],
    kind: &str,
    range: &Range,
    after: Option<&Place>,
    wanted: usize,
) -> Result<Vec<(ShardCode, Found)>, StoreError> {
    let mut rows = Vec::new();
    for (shard, queries) in shards {
        let scan = Scan {
            kind: kind.to_owned(),
            index: range.index.to_owned(),
            from: range.from.clone(),
            to: range.to.clone(),
            after: after.map(|place| place.in_shard(*shard)),
            descending: true,
            limit: wanted,
        };
        let found = queries.list(&scan)?;
        rows.extend(found.into_iter().map(|row| (*shard, row)));
    }
    if shards.len() > 1 {
        // Stable: equal ones stay in the order of the shards.
        rows.sort_by(|(_, one), (_, other)| {
            (&other.value, &other.key).cmp(&(&one.value, &one.key))
        });
        rows.truncate(wanted);
    }
    Ok(rows)
}

fn read_page<R: Record, T>(
    shards: &[(ShardCode, Arc<dyn Queries>)],
    range: &Range,
    page: &PageRequest,
    keep: &dyn Fn(&R) -> bool,
    show: &dyn Fn(R) -> T,
) -> Result<Page<T>, StoreError> {
    let mut items = Vec::with_capacity(page.limit);
    let shard = page.after_shard;
    let mut after = page
        .after
        .clone()
        .map(|(value, key)| Place { value, key, shard });
    let mut rows = 0;
    loop {
        let wanted = page.limit + 1;
        let found = next_rows(shards, R::KIND, range, after.as_ref(), wanted)?;
        let complete = found.len() < wanted;
        rows += found.len();
        for (shard, row) in found {
            if items.len() == page.limit {
                return Ok(Page {
                    items,
                    next: after.as_ref().map(Place::cursor),
                });
            }
            let record: R = read_body(&row)?;
            after = Some(Place {
                value: row.value,
                key: row.key,
                shard: (shards.len() > 1).then_some(shard),
            });
            if keep(&record) {
                items.push(show(record));
            }
        }
        if complete {
            return Ok(Page { items, next: None });
        }
        if rows >= ROWS_PER_PAGE_MAX {
            return Ok(Page {
                items,
                next: after.as_ref().map(Place::cursor),
            });
        }
    }
}

/// A whole index from a place on, greatest first.
pub(crate) fn scan<R: Record>(index: &str, after: Option<(String, String)>, limit: usize) -> Scan {
    Scan {
        kind: R::KIND.to_owned(),
        index: index.to_owned(),
        from: String::new(),
        to: "~".to_owned(),
        after,
        descending: true,
        limit,
    }
}

pub(crate) fn read_body<R: Record>(found: &Found) -> Result<R, StoreError> {
    parse(&found.key, found.checked(R::KIND)?)
}

fn parse<R: Record>(key: &str, body: &[u8]) -> Result<R, StoreError> {
    serde_json::from_slice(body).map_err(|error| StoreError::Damaged {
        place: format!("{} {key}", R::KIND),
        problem: error.to_string(),
    })
}

/// Reads one record.
///
/// # Errors
/// 404 when there is none, 503 when the store cannot be read.
pub async fn get<R: Record>(state: &AppState, what: &'static str, id: &str) -> Result<R, Problem> {
    find(state, id)
        .await?
        .ok_or_else(|| Problem::not_found(what, id))
}

/// Reads one record, if there is one: in the shard that its key names, or in the first that has it. The
/// key is an id of the book, or begins with one; what a client chose is looked for by [`find_number`].
///
/// # Errors
/// 503 when the store cannot be read.
pub async fn find<R: Record>(state: &AppState, id: &str) -> Result<Option<R>, Problem> {
    find_in_turn(state, id, ()).await
}

/// As [`find`], by whoever has a turn to read: it is given back when the read has ended, whoever still waits for it.
///
/// # Errors
/// As [`find`].
pub(crate) async fn find_in_turn<R: Record>(
    state: &AppState,
    id: &str,
    turn: impl Send + 'static,
) -> Result<Option<R>, Problem> {
    let book = state.book();
    let shards = match book.shard_of(id) {
        Some(shard) => vec![shard],
        None => book.shards().collect(),
    };
    find_among(state, shards, id, turn).await
}

/// Reads the record of a number that a client chose, which says nothing of its shard even where it
/// looks like an id.
///
/// # Errors
/// As [`find`].
pub async fn find_number<R: Record>(state: &AppState, number: &str) -> Result<Option<R>, Problem> {
    find_among(state, state.book().shards().collect(), number, ()).await
}

/// Whether any record can have this key.
pub(crate) fn may_exist(key: &str) -> bool {
    !key.is_empty() && key.len() <= 200 && !key.contains('\0')
}

async fn find_among<R: Record>(
    state: &AppState,
    shards: Vec<ShardCode>,
    key: &str,
    turn: impl Send + 'static,
) -> Result<Option<R>, Problem> {
    if !may_exist(key) {
        return Ok(None);
    }
    let key = key.to_owned();
    state
        .read_all(move |queries| {
            let _turn = turn;
            for shard in shards {
                let Some(queries) = queries.get(usize::from(shard.number())) else {
                    continue;
                };
                if let Some(body) = queries.record(R::KIND, &key)? {
                    return parse(&key, &body).map(Some);
                }
            }
            Ok(None)
        })
        .await
}

/// One record of each shard that has it, in the order of the shards.
///
/// # Errors
/// As [`find`].
pub async fn find_all<R: Record + Send>(state: &AppState, id: &str) -> Result<Vec<R>, Problem> {
    if !may_exist(id) {
        return Ok(Vec::new());
    }
    let key = id.to_owned();
    state
        .read_all(move |queries| {
            let mut found = Vec::new();
            for queries in queries {
                if let Some(body) = queries.record(R::KIND, &key)? {
                    found.push(parse(&key, &body)?);
                }
            }
            Ok(found)
        })
        .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::{PageRequest, Place, cursor};
    use engine::ShardCode;

    #[test]
    fn a_cursor_reads_back() {
        let text = cursor("mch_00X/000001781234567", "pay_00Y");
        let page = PageRequest::new(None, Some(&text)).unwrap();
        let expected = ("mch_00X/000001781234567".to_owned(), "pay_00Y".to_owned());
        assert_eq!(page.after(), Some(&expected));
    }

    #[test]
    fn a_place_among_shards_goes_on_with_the_same_key_in_those_behind_it() {
        let code = |number| ShardCode::new(number).unwrap();
        let place = Place {
            value: "2026-11-25".into(),
            key: "wechat/2026-11-25".into(),
            shard: Some(code(3)),
        };
        let page = PageRequest::new(None, Some(&place.cursor())).unwrap();
        assert_eq!(page.after_shard, Some(code(3)));
        let own = (place.value.clone(), place.key.clone());
        assert_eq!(page.after(), Some(&own));
        assert_eq!(place.in_shard(code(2)), own);
        assert_eq!(place.in_shard(code(3)), own);
        // Keys below this one, itself included.
        assert!(place.in_shard(code(4)) > own);
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused_by_name() {
        let nul = cursor("2026", "pay_\0");
        for after in ["", "%", "AAAA", "ééé", &nul] {
            let problem = PageRequest::new(None, Some(after)).expect_err("refused");
            assert_eq!(problem.field.as_deref(), Some("after"));
        }
        for limit in [0, 201, u32::MAX] {
            let problem = PageRequest::new(Some(limit), None).expect_err("refused");
            assert_eq!(problem.field.as_deref(), Some("limit"));
        }
    }
}
