//! Dictionaries of structured fields (RFC 9651), member by member: one that cannot be read costs
//! only itself.

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while_m_n};
use nom::character::complete::{char, satisfy, space0, space1};
use nom::combinator::{opt, recognize, value};
use nom::multi::{many0, separated_list0};
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

/// `key=value` or a bare key.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    pub(super) is_list: bool,
    pub(super) items: Vec<Parsed<'a>>,
}

/// A value with its parameters.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) value: Bare<'a>,
    pub(super) parameters: Vec<(&'a str, Bare<'a>)>,
}

#[derive(Clone, Debug)]
pub(super) enum Bare<'a> {
    Boolean(bool),
    /// Not below 0: nothing in CMCD is, that steers anything.
    Number {
        thousandths: u64,
        decimal: bool,
    },
    Text(String),
    Token(&'a str),
}

/// The members in order, `None` for each that cannot be read.
pub(super) fn members(text: &str) -> impl Iterator<Item = Option<Member<'_>>> {
    let mut rest = text.trim_matches([' ', '\t']);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Ok((behind, member)) = member(rest) {
            let behind = behind.trim_start_matches([' ', '\t']);
            if behind.is_empty() {
                rest = behind;
                return Some(Some(member));
            }
            if let Some(next) = behind.strip_prefix(',') {
                rest = next.trim_start_matches([' ', '\t']);
                return Some(Some(member));
            }
        }
        rest = behind_comma(rest);
        Some(None)
    })
}

/// What follows the next comma that is not within quotes.
fn behind_comma(text: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                let next = text.get(at.saturating_add(1)..).unwrap_or_default();
                return next.trim_start_matches([' ', '\t']);
            }
            _ => {}
        }
    }
    ""
}

fn member(text: &str) -> IResult<&str, Member<'_>> {
    let (text, key) = key(text)?;
    let (text, has_value) = opt(char('=')).parse(text)?;
    if has_value.is_none() {
        let (text, parameters) = parameters(text)?;
        let parsed = Parsed {
            value: Bare::Boolean(true),
            parameters,
        };
        let items = vec![parsed];
        return Ok((
            text,
            Member {
                key,
                is_list: false,
                items,
            },
        ));
    }
    if text.starts_with('(') {
        let (text, items) = inner_list(text)?;
        return Ok((
            text,
            Member {
                key,
                is_list: true,
                items,
            },
        ));
    }
    let (text, parsed) = item(text)?;
    let items = vec![parsed];
    Ok((
        text,
        Member {
            key,
            is_list: false,
            items,
        },
    ))
}

fn inner_list(text: &str) -> IResult<&str, Vec<Parsed<'_>>> {
    let items = separated_list0(space1, item);
    let (text, items) = delimited((char('('), space0), items, (space0, char(')'))).parse(text)?;
    // What holds for the list as a whole says nothing here.
    let (text, _) = parameters(text)?;
    Ok((text, items))
}

fn item(text: &str) -> IResult<&str, Parsed<'_>> {
    let (text, value) = bare(text)?;
    let (text, parameters) = parameters(text)?;
    Ok((text, Parsed { value, parameters }))
}

fn parameters(text: &str) -> IResult<&str, Vec<(&str, Bare<'_>)>> {
    let value = opt(preceded(char('='), bare));
    let parameter = preceded((char(';'), space0), pair(key, value));
    let with_value = parameter.map(|(name, value)| (name, value.unwrap_or(Bare::Boolean(true))));
    many0(with_value).parse(text)
}

fn key(text: &str) -> IResult<&str, &str> {
    let first = satisfy(|c| c.is_ascii_lowercase() || c == '*');
    let more = take_while(|c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*')
    });
    recognize(pair(first, more)).parse(text)
}

fn bare(text: &str) -> IResult<&str, Bare<'_>> {
    let yes = value(Bare::Boolean(true), (char('?'), char('1')));
    let no = value(Bare::Boolean(false), (char('?'), char('0')));
    alt((
        number,
        string.map(Bare::Text),
        token.map(Bare::Token),
        yes,
        no,
    ))
    .parse(text)
}

/// At most 15 digits, or 12 and 3 behind the point, so that nothing overflows.
fn number(text: &str) -> IResult<&str, Bare<'_>> {
    let digits = |least, most| take_while_m_n(least, most, |c: char| c.is_ascii_digit());
    let (text, whole) = digits(1, 15).parse(text)?;
    let (text, decimals) = opt(preceded(char('.'), digits(1, 3))).parse(text)?;
    let number = whole.bytes().fold(0_u64, |sum, digit| {
        let digit = u64::from(digit.saturating_sub(b'0'));
        sum.saturating_mul(10).saturating_add(digit)
    });
    let places = [100, 10, 1]
        .into_iter()
        .zip(decimals.unwrap_or_default().bytes());
    let thousandths = places.fold(number.saturating_mul(1_000), |sum, (worth, digit)| {
        let digit = u64::from(digit.saturating_sub(b'0'));
        sum.saturating_add(digit.saturating_mul(worth))
    });
    let decimal = decimals.is_some();
    Ok((
        text,
        Bare::Number {
            thousandths,
            decimal,
        },
    ))
}

fn string(text: &str) -> IResult<&str, String> {
    let plain = satisfy(|c| matches!(c, ' '..='~') && c != '"' && c != '\\');
    let escaped = preceded(char('\\'), satisfy(|c| c == '"' || c == '\\'));
    let inside = many0(alt((plain, escaped))).map(|chars| chars.into_iter().collect());
    delimited(char('"'), inside, char('"')).parse(text)
}

fn token(text: &str) -> IResult<&str, &str> {
    let first = satisfy(|c| c.is_ascii_alphabetic() || c == '*');
    let more = take_while(|c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c));
    recognize(pair(first, more)).parse(text)
}
