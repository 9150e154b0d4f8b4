//! Delivery directives in a query string (section 6.2.5 of the draft, DEL-12).

use crate::delivery::{Form, Refusal};
use crate::limits::Limits;

/// The directives of a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Directives {
    pub(crate) msn: Option<u64>,
    pub(crate) part: Option<u64>,
    pub(crate) form: Form,
}

impl Directives {
    /// Reads a query string without its `?`. Other parameters are ignored.
    pub(crate) fn parse(query: &str, limits: &Limits) -> Result<Self, Refusal> {
        if query.len() > limits.query_bytes {
            return Err(Refusal::QueryTooLong);
        }
        let mut directives = Self::default();
        let mut skip_seen = false;
        for (index, pair) in query.split('&').enumerate() {
            if index >= limits.query_pairs {
                return Err(Refusal::QueryTooLong);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => number("_HLS_msn", value, &mut directives.msn)?,
                "_HLS_part" => number("_HLS_part", value, &mut directives.part)?,
                "_HLS_skip" if skip_seen => return Err(Refusal::DirectiveRepeated("_HLS_skip")),
                "_HLS_skip" => {
                    skip_seen = true;
                    // A value of a later draft gets the whole playlist, which is always right.
                    directives.form = match value {
                        "YES" => Form::Skip,
                        "v2" => Form::SkipV2,
                        _ => Form::Full,
                    };
                }
                _ => {}
            }
        }
        if directives.part.is_some() && directives.msn.is_none() {
            return Err(Refusal::PartWithoutMsn);
        }
        Ok(directives)
    }
}

fn number(name: &'static str, value: &str, slot: &mut Option<u64>) -> Result<(), Refusal> {
    if slot.is_some() {
        return Err(Refusal::DirectiveRepeated(name));
    }
    // `u64::from_str` would take a sign.
    let decimal =
        !value.is_empty() && value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = if decimal { value.parse().ok() } else { None };
    *slot = Some(parsed.ok_or(Refusal::DirectiveMalformed(name))?);
    Ok(())
}
