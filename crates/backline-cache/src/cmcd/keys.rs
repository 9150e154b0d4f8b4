//! Which fields there are, and what each may say.

use super::grammar::{Bare, Member, Parsed};
use super::{Item, ObjectType, Value};

/// The type of a field's values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Flag,
    Integer,
    /// Integers, in version 2 one for each type of object.
    Integers,
    Number,
    Text,
    /// Text, in version 2 a list.
    Texts,
    Token,
}

/// Sorted by key.
const KEYS: [(&str, Kind); 52] = [
    ("ab", Kind::Integers),
    ("bg", Kind::Flag),
    ("bl", Kind::Integers),
    ("br", Kind::Integers),
    ("bs", Kind::Flag),
    ("bsa", Kind::Integers),
    ("bsd", Kind::Integers),
    ("bsda", Kind::Integers),
    ("cdn", Kind::Text),
    ("cen", Kind::Text),
    ("cid", Kind::Text),
    ("cmsdd", Kind::Text),
    ("cmsds", Kind::Text),
    ("cs", Kind::Text),
    ("d", Kind::Integer),
    ("df", Kind::Integers),
    ("dfa", Kind::Integers),
    ("dl", Kind::Integer),
    ("e", Kind::Token),
    ("ec", Kind::Texts),
    ("h", Kind::Text),
    ("lab", Kind::Integers),
    ("lb", Kind::Integers),
    ("ltc", Kind::Integer),
    ("msd", Kind::Integer),
    ("mtp", Kind::Integers),
    ("nor", Kind::Texts),
    ("nr", Kind::Flag),
    ("nrr", Kind::Text),
    ("ot", Kind::Token),
    ("pb", Kind::Integers),
    ("pr", Kind::Number),
    ("pt", Kind::Integer),
    ("rc", Kind::Integer),
    ("rtp", Kind::Integer),
    ("sf", Kind::Token),
    ("sid", Kind::Text),
    ("smrt", Kind::Text),
    ("sn", Kind::Integer),
    ("st", Kind::Token),
    ("sta", Kind::Token),
    ("su", Kind::Flag),
    ("tab", Kind::Integers),
    ("tb", Kind::Integers),
    ("tbl", Kind::Integers),
    ("tpb", Kind::Integers),
    ("ts", Kind::Integer),
    ("ttfb", Kind::Integer),
    ("ttfbb", Kind::Integer),
    ("ttlb", Kind::Integer),
    ("url", Kind::Text),
    ("v", Kind::Integer),
];

/// The field of this key, with a name that lives on.
pub(super) fn find(key: &str) -> Option<(&'static str, Kind)> {
    let at = KEYS.binary_search_by(|(name, _)| (*name).cmp(key)).ok()?;
    KEYS.get(at).copied()
}

impl Kind {
    /// The values of a member if they are of this type.
    pub(super) fn take(self, member: Member<'_>) -> Option<Vec<Item>> {
        let several = matches!(self, Self::Integers | Self::Texts);
        if (member.is_list && !several) || member.items.is_empty() {
            return None;
        }
        member
            .items
            .into_iter()
            .map(|parsed| self.item(parsed))
            .collect()
    }

    fn item(self, parsed: Parsed<'_>) -> Option<Item> {
        let value = match (self, parsed.value) {
            (Self::Flag, Bare::Boolean(value)) => Value::Flag(value),
            (
                Self::Integer | Self::Integers,
                Bare::Number {
                    thousandths,
                    decimal: false,
                },
            ) => Value::Integer(thousandths / 1_000),
            (Self::Number, Bare::Number { thousandths, .. }) => Value::Thousandths(thousandths),
            (Self::Text | Self::Texts, Bare::Text(text)) => Value::Text(text),
            (Self::Token, Bare::Token(token)) => Value::Token(token.to_owned()),
            _ => return None,
        };
        let mut item = Item {
            value,
            object: None,
            range: None,
        };
        for (name, value) in parsed.parameters {
            match value {
                Bare::Boolean(true) => item.object = ObjectType::of(name).or(item.object),
                Bare::Text(range) if name == "r" => item.range = Some(range),
                _ => {}
            }
        }
        Some(item)
    }
}
