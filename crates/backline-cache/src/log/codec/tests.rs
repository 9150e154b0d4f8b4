use super::*;

fn header() -> Header {
    Header {
        record: Record::new(RecordKey::new(1, 2, RecordKind::Segment, 3))
            .with_times(Duration::from_millis(4_004), -5)
            .with_discontinuity(6)
            .with_init(7)
            .with_mark(Mark::new(8, 9))
            .with_meta(Bytes::from_static(b"meta"))
            .kept(),
        file: 10,
        nonce: 11,
        payload_crc: 12,
        payload_len: 13,
        settled: 14,
    }
}

#[test]
fn disk_1_a_record_header_comes_back_and_any_changed_or_missing_byte_of_it_is_noticed() {
    let bytes = header().encode();
    assert_eq!(bytes.len(), HEADER + 4);
    assert_eq!(Header::decode(&bytes), Some(header()));
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x10;
        assert_eq!(Header::decode(&changed), None, "byte {at}");
        assert_eq!(Header::decode(&bytes[..at]), None, "cut at {at}");
    }
}

#[test]
fn disk_1_a_file_header_comes_back_and_any_changed_byte_of_it_is_noticed() {
    let header = FileHeader {
        boot: 1,
        file: 2,
        nonce: 3,
    };
    let bytes = header.encode();
    assert_eq!(bytes.len() as u64, BLOCK);
    assert_eq!(FileHeader::decode(&bytes), Some(header));
    for at in 0..44 {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert_eq!(FileHeader::decode(&changed), None, "byte {at}");
        assert_eq!(FileHeader::decode(&bytes[..at]), None, "cut at {at}");
    }
}

#[test]
fn disk_3_a_table_of_marks_comes_back() {
    let marks: Vec<_> = (0..)
        .map(|n| ((n, n + 1), Mark::new(u64::from(n), 2)))
        .take(TABLE_MAX)
        .collect();
    let meta = encode_marks(&marks);
    assert!(meta.len() <= META_MAX);
    assert!(decode_marks(&meta).eq(marks));
}
