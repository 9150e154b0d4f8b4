//! What a player will ask for next (`nor`), as far as it may be fetched ahead.

use crate::cmcd::{Cmcd, Value, percent_decoded};

/// How the way to the origin stands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Uplink {
    /// Nothing gets through.
    Dead,
    /// Each byte costs.
    Metered,
    /// It is there and free.
    Open,
}

/// An object to fetch ahead.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Next {
    /// Its path, of the same origin, without escapes; it begins with `/`.
    pub path: String,
    /// Which bytes of it (`0-99`), where not all.
    pub range: Option<String>,
}

/// The objects that a request of `path` names as those that come next: at most two, relative to it,
/// and media by the ending of their names. None unless the uplink is open.
///
/// What they may cost is the store's budget for what is prefetched.
#[must_use]
pub fn next_objects(said: &Cmcd, path: &str, uplink: Uplink) -> Vec<Next> {
    if uplink != Uplink::Open {
        return Vec::new();
    }
    let nrr = match said.get("nrr") {
        [item, ..] => match &item.value {
            Value::Text(range) => Some(range.clone()),
            _ => None,
        },
        [] => None,
    };
    let named = said.get("nor").iter().filter_map(|item| {
        let Value::Text(reference) = &item.value else {
            return None;
        };
        let path = resolved(path, reference)?;
        let range = item.range.clone().or_else(|| nrr.clone());
        is_media(&path).then_some(Next { path, range })
    });
    named.take(AT_ONCE_MAX).collect()
}

/// The path that a relative reference stands for; `None` for what is not relative, leaves the
/// root, or has a query.
fn resolved(base: &str, reference: &str) -> Option<String> {
    let decoded = String::from_utf8(percent_decoded(reference)).ok()?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '%' | '\\' | ':');
    if decoded.is_empty() || decoded.starts_with('/') || !decoded.chars().all(plain) {
        return None;
    }
    let (folder, _) = base.rsplit_once('/')?;
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in decoded.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    Some(format!("/{}", steps.join("/")))
}

fn is_media(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    MEDIA.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

const AT_ONCE_MAX: usize = 2;
const MEDIA: [&str; 12] = [
    "aac", "ac3", "cmfa", "cmft", "cmfv", "m4a", "m4s", "m4v", "mp3", "mp4", "ts", "vtt",
];
