//! A gzip file around a playlist: 18 bytes of frame around a deflate stream (RFC 1952).

/// Low: a playlist of 6 KB becomes about 1 KB at any level.
const LEVEL: u8 = 3;
/// ID1 ID2, deflate, no flags, no time, no hints, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff];
/// The reversed polynomial of CRC-32.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// Compresses `text`.
pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let deflated = miniz_oxide::deflate::compress_to_vec(text, LEVEL);
    let mut out = Vec::with_capacity(deflated.len().saturating_add(18));
    out.extend_from_slice(&HEADER);
    out.extend_from_slice(&deflated);
    out.extend_from_slice(&crc32(text).to_le_bytes());
    // The length counts modulo 2^32.
    let len = u32::try_from(text.len() & 0xffff_ffff).unwrap_or(0);
    out.extend_from_slice(&len.to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        let index = usize::from(u8::try_from((crc ^ u32::from(*byte)) & 0xff).unwrap_or(0));
        crc = (crc >> 8) ^ TABLE.get(index).copied().unwrap_or(0);
    }
    !crc
}

static TABLE: [u32; 256] = table();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "runs at compile time"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn crc32_check_value() {
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
    }
}
