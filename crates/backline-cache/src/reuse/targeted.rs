//! `CDN-Cache-Control` (RFC 9213): a dictionary of structured fields (RFC 8941, 3.2).

use http::header::{HeaderMap, HeaderName};

use super::control::Control;

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives for caches such as this one. `None` where the field is absent, empty or no dictionary, which
/// counts as absent (RFC 9213, 2.1).
pub(super) fn read(headers: &HeaderMap) -> Option<Control> {
    let lines: Vec<&[u8]> = headers
        .get_all(CDN_CACHE_CONTROL)
        .iter()
        .map(|line| line.as_bytes())
        .collect();
    let all = lines.join(&b", "[..]);
    let mut input = Input(all.trim_ascii());
    let mut members: Vec<(&[u8], Value<'_>)> = Vec::new();
    while !input.0.is_empty() {
        let (key, value) = input.member()?;
        // Of a key that comes twice the last value counts (RFC 8941, 3.2).
        members.retain(|(other, _)| *other != key);
        members.push((key, value));
        input.skip_whitespace();
        if input.take(b',') {
            input.skip_whitespace();
            if input.0.is_empty() {
                return None;
            }
        } else if !input.0.is_empty() {
            return None;
        }
    }
    if members.is_empty() {
        return None;
    }
    let mut control = Control::default();
    for (key, value) in members {
        match value {
            Value::Integer(digits) => control.take(key, Some(digits)),
            Value::True => control.take(key, None),
            Value::Other => {}
        }
    }
    Some(control)
}

enum Value<'a> {
    /// Its digits; a negative one counts as no number.
    Integer(&'a [u8]),
    Other,
    True,
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn member(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let key = self.key()?;
        let value = if self.take(b'=') {
            self.value()?
        } else {
            Value::True
        };
        self.parameters()?;
        Some((key, value))
    }

    fn value(&mut self) -> Option<Value<'a>> {
        if !self.take(b'(') {
            return self.bare();
        }
        loop {
            self.skip_spaces();
            if self.take(b')') {
                return Some(Value::Other);
            }
            self.bare()?;
            self.parameters()?;
            if !matches!(self.0.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip_spaces();
            self.key()?;
            if self.take(b'=') {
                self.bare()?;
            }
        }
        Some(())
    }

    fn bare(&mut self) -> Option<Value<'a>> {
        match self.0.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.quoted(),
            b'?' => match self.0.get(1)? {
                b'1' => {
                    self.advance(2);
                    Some(Value::True)
                }
                b'0' => {
                    self.advance(2);
                    Some(Value::Other)
                }
                _ => None,
            },
            b':' => {
                self.advance(1);
                let in_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
                self.take_while(in_base64);
                self.take(b':').then_some(Value::Other)
            }
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                let in_token =
                    |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(byte);
                self.take_while(in_token);
                Some(Value::Other)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let negative = self.take(b'-');
        let digits = self.take_while(u8::is_ascii_digit);
        if !(1..=15).contains(&digits.len()) {
            return None;
        }
        if self.take(b'.') {
            let decimals = self.take_while(u8::is_ascii_digit).len();
            let fits = (1..=3).contains(&decimals) && digits.len() <= 12;
            return fits.then_some(Value::Other);
        }
        Some(if negative {
            Value::Integer(b"-")
        } else {
            Value::Integer(digits)
        })
    }

    fn quoted(&mut self) -> Option<Value<'a>> {
        self.advance(1);
        loop {
            let byte = *self.0.first()?;
            self.advance(1);
            match byte {
                b'"' => return Some(Value::Other),
                b'\\' => {
                    if !matches!(self.0.first(), Some(b'"' | b'\\')) {
                        return None;
                    }
                    self.advance(1);
                }
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        if !matches!(self.0.first()?, b'a'..=b'z' | b'*') {
            return None;
        }
        Some(self.take_while(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(byte)
        }))
    }

    fn take_while(&mut self, wanted: impl Fn(&u8) -> bool) -> &'a [u8] {
        let len = self.0.iter().take_while(|byte| wanted(byte)).count();
        let taken = self.0.get(..len).unwrap_or_default();
        self.advance(len);
        taken
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.0.first() == Some(&wanted);
        if found {
            self.advance(1);
        }
        found
    }

    fn skip_spaces(&mut self) {
        self.take_while(|byte| *byte == b' ');
    }

    fn skip_whitespace(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn advance(&mut self, len: usize) {
        self.0 = self.0.get(len..).unwrap_or_default();
    }
}
