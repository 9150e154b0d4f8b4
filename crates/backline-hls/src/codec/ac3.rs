use super::{Facts, Fault};

pub(super) fn parse(record: &[u8]) -> Result<Facts, Fault> {
    let _ = record;
    Ok(Facts::default())
}

pub(super) fn parse_enhanced(record: &[u8]) -> Result<Facts, Fault> {
    let _ = record;
    Ok(Facts::default())
}
