use super::{Crc, crc};

#[test]
fn disk_1_checksums_are_those_of_the_standard() {
    // RFC 3720, appendix B.4, and the check value of the catalogues.
    assert_eq!(crc(b"123456789"), 0xe306_9283);
    assert_eq!(crc(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc(&[0xff; 32]), 0x62a8_ab43);
    let rising: Vec<u8> = (0..32).collect();
    assert_eq!(crc(&rising), 0x46dd_794e);
    assert_eq!(crc(b""), 0);
}

#[test]
fn disk_1_a_checksum_does_not_depend_on_where_the_bytes_are_cut() {
    let bytes: Vec<u8> = (0..200_u8).collect();
    for cut in 0..bytes.len() {
        let mut sum = Crc::new();
        sum.update(&bytes[..cut]);
        sum.update(&bytes[cut..]);
        assert_eq!(sum.sum(), crc(&bytes), "cut at {cut}");
    }
}
