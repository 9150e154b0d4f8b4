//! What the lines look like.

use super::{DateRange, DateRangeEnd, DateRangeValue};
use crate::event::UnixMillis;
use bytes::Bytes;
use core::time::Duration;

#[test]
fn pl_13_a_line_says_each_attribute_in_its_form() {
    let mut range = DateRange::new("splice-1", UnixMillis(1_795_464_000_250));
    range.class = Some("com.example".into());
    range.end = Some(DateRangeEnd::After(Duration::from_micros(59_993_000)));
    range.planned = Some(Duration::from_secs(60));
    range.scte35_out = Some(Bytes::from_static(&[0xfc, 0x30, 0x0a]));
    for (name, value) in [
        ("X-A", DateRangeValue::Text("a,b=c".into())),
        ("X-B", DateRangeValue::Millionths(-1_500_001)),
        ("X-C", DateRangeValue::Millionths(2_000_000)),
        ("X-D", DateRangeValue::Hex(Bytes::from_static(&[1]))),
    ] {
        range.attributes.push((name.into(), value));
    }
    assert_eq!(range.check(), Ok(()));
    assert_eq!(
        range.line(),
        "#EXT-X-DATERANGE:ID=\"splice-1\",CLASS=\"com.example\",START-DATE=\"2026-11-23T20:00:00.250Z\",\
         DURATION=59.99300,PLANNED-DURATION=60.00000,SCTE35-OUT=0xFC300A,X-A=\"a,b=c\",X-B=-1.500001,\
         X-C=2.00000,X-D=0x01\n"
    );
}
