//! The login of Adobe's servers, which answer `connect` with a challenge (as FFmpeg and librtmp speak it).

use super::Address;
use alloc::string::String;

/// How far a login has got.
#[derive(Clone, Default, Eq, PartialEq)]
pub(super) struct Login {
    /// What goes behind the application in the next `connect`.
    pub(super) query: String,
    step: Step,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Step {
    /// Nothing was said about logins.
    #[default]
    None,
    /// The user was named.
    #[cfg(feature = "auth")]
    Named,
    /// A challenge was answered.
    #[cfg(feature = "auth")]
    Answered,
}

impl core::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_tuple("Login").field(&self.step).finish()
    }
}

impl Login {
    /// Returns the next step of the login that a refusal asks for; none, if it asks for no login, or one that was
    /// tried.
    #[cfg(feature = "auth")]
    pub(super) fn next(&self, address: &Address, refusal: &str, seed: u64) -> Option<Self> {
        let (user, password) = address.user.as_ref()?;
        if !refusal.contains("authmod=adobe") {
            return None;
        }
        let query = |name: &str| {
            let (_, behind) = refusal.split_once('?')?;
            let pairs = behind.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .clone()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim())
        };
        match self.step {
            Step::None if refusal.contains("code=403 need auth") => Some(Self {
                query: alloc::format!("?authmod=adobe&user={user}"),
                step: Step::Named,
            }),
            Step::Named if query("reason") == Some("needauth") => {
                let salt = query("salt").unwrap_or_default();
                let challenge = query("challenge").unwrap_or_default();
                let opaque = query("opaque").unwrap_or_default();
                let ours = alloc::format!("{:08x}", (seed ^ (seed >> 32)) & 0xFFFF_FFFF);
                let secret = digest(&[user, salt, password]);
                let theirs = if opaque.is_empty() { challenge } else { opaque };
                let response = digest(&[&secret, theirs, &ours]);
                let mut query = alloc::format!(
                    "?authmod=adobe&user={user}&challenge={ours}&response={response}"
                );
                if !opaque.is_empty() {
                    query.push_str(&alloc::format!("&opaque={opaque}"));
                }
                Some(Self {
                    query,
                    step: Step::Answered,
                })
            }
            _ => None,
        }
    }

    /// Without the feature `auth` no login is known.
    #[cfg(not(feature = "auth"))]
    #[expect(
        clippy::unused_self,
        reason = "the same signature with and without the feature"
    )]
    pub(super) const fn next(
        &self,
        _address: &Address,
        _refusal: &str,
        _seed: u64,
    ) -> Option<Self> {
        None
    }
}

/// Returns the MD5 of the pieces in Base64.
#[cfg(feature = "auth")]
fn digest(pieces: &[&str]) -> String {
    use base64::prelude::{BASE64_STANDARD as STANDARD, Engine};
    use md5::{Digest, Md5};
    let mut hash = Md5::new();
    for piece in pieces {
        hash.update(piece.as_bytes());
    }
    STANDARD.encode(hash.finalize())
}
