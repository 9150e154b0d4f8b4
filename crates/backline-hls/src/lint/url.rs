//! URLs: joining references (RFC 3986, 5.2) and reading delivery directives back.

/// An absolute `http` or `https` URL split into what stands before its path, its path, and its query with the `?`.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| url.starts_with(scheme))?;
    let behind = url.get(scheme.len()..)?;
    let authority = behind.find(['/', '?', '#']).unwrap_or(behind.len());
    if authority == 0 {
        return None;
    }
    let (root, rest) = url.split_at_checked(scheme.len().checked_add(authority)?)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_at_checked(rest.find('?').unwrap_or(rest.len()))?;
    Some((root, path, query))
}

/// Whether a text is an absolute `http` or `https` URL.
pub(super) fn is_absolute(url: &str) -> bool {
    split(url).is_some() && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The URL without its query.
pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Resolves a reference against an absolute URL.
pub(super) fn join(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if split(reference).is_some() {
        return reference.to_owned();
    }
    let Some((root, path, query)) = split(base) else {
        return reference.to_owned();
    };
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = root.split("//").next().unwrap_or_default();
        return [scheme, "//", rest].concat();
    }
    if reference.is_empty() {
        return [root, path, query].concat();
    }
    if reference.starts_with('?') {
        return [root, path, reference].concat();
    }
    let (target, query) = reference
        .split_at_checked(reference.find('?').unwrap_or(reference.len()))
        .unwrap_or((reference, ""));
    let merged = if target.starts_with('/') {
        target.to_owned()
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        [folder, "/", target].concat()
    };
    [root, &without_dots(&merged), query].concat()
}

/// The same, unless the reference or what it comes to is longer than the cap.
pub(super) fn join_within(base: &str, reference: &str, most: usize) -> Option<String> {
    if reference.len() > most {
        return None;
    }
    let url = join(base, reference);
    (url.len() <= most).then_some(url)
}

/// Takes `.` and `..` out of an absolute path.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut steps = path.split('/').skip(1).peekable();
    while let Some(step) = steps.next() {
        let last = steps.peek().is_none();
        match step {
            "." => {}
            ".." => drop(kept.pop()),
            _ => {
                kept.push(step);
                continue;
            }
        }
        // A path that ends in dots is a folder.
        if last {
            kept.push("");
        }
    }
    ["/", &kept.join("/")].concat()
}

/// Adds parameters to a URL.
pub(super) fn with_query(url: &str, parameters: &str) -> String {
    let joint = if url.contains('?') { "&" } else { "?" };
    [url, joint, parameters].concat()
}

/// The delivery directives of a request (section 6.2.5).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Directives {
    pub(super) msn: Option<u64>,
    pub(super) part: Option<u64>,
    pub(super) skip: Option<Skip>,
    /// A number that is none.
    pub(super) malformed: bool,
}

/// What a delta update may leave out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Skip {
    Segments,
    DateRanges,
}

impl Directives {
    /// Splits a URL into its playlist's URL without directives, and these.
    pub(super) fn split(url: &str) -> (String, Self) {
        let mut found = Self::default();
        let Some((path, query)) = url.split_once('?') else {
            return (url.to_owned(), found);
        };
        let mut others: Vec<&str> = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut number = || {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse().ok().filter(|_| digits);
                found.malformed |= number.is_none();
                number
            };
            match name {
                "_HLS_msn" => found.msn = number(),
                "_HLS_part" => found.part = number(),
                "_HLS_skip" => {
                    found.skip = match value {
                        "v2" => Some(Skip::DateRanges),
                        _ => Some(Skip::Segments),
                    };
                }
                // The linter's own, to see whether it is ignored.
                _ if name == super::UNKNOWN_PARAMETER => {}
                _ => others.push(pair),
            }
        }
        let query = others.join("&");
        let joint = if query.is_empty() { "" } else { "?" };
        ([path, joint, &query].concat(), found)
    }
}

#[cfg(test)]
mod tests;
