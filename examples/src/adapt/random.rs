//! Randomness of the system: seeds for the machines, and secrets.

/// RFC 4648, section 5: nothing in it needs escaping in a URL.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct RandomError(#[from] getrandom::Error);

/// A secret of 192 bits in 32 characters that survive in a URL.
///
/// # Errors
///
/// The system gives no random bytes.
pub fn secret() -> Result<String, RandomError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    // Six bits of each byte, so every character is as likely as any other.
    let letter = |byte: u8| {
        ALPHABET
            .get(usize::from(byte & 0x3F))
            .copied()
            .map_or('A', char::from)
    };
    Ok(bytes.into_iter().map(letter).collect())
}

/// A seed for what must not be guessed but harms nobody when it is; 0 where the system has no random
/// bytes.
#[must_use]
pub fn seed() -> u64 {
    getrandom::u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_need_no_escaping() {
        let (one, other) = (
            secret().expect("random bytes"),
            secret().expect("random bytes"),
        );
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
