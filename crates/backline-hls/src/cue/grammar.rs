//! The grammar of cues: W3C WebVTT, sections 4.1 (file), 4.2.2 (cue text) and 4.4 (settings).

use crate::error::CueProblem;

/// What a cue's id must not begin with: readers take these for the beginning of another block.
const WORDS: [&str; 4] = ["NOTE", "REGION", "STYLE", "WEBVTT"];
/// Tags in one another: a player draws each of them.
const DEPTH_MAX: usize = 16;
/// The longest name of a character reference.
const REFERENCE_MAX: usize = 32;

pub(super) fn check(id: &str, settings: &str, text: &str) -> Result<(), CueProblem> {
    for (field, value) in [("id", id), ("settings", settings), ("text", text)] {
        let bad = |c: char| c.is_control() && c != '\t' && !(c == '\n' && field == "text");
        let found = value.char_indices().find(|(_, c)| bad(*c));
        if let Some((at, character)) = found {
            return Err(CueProblem::Character {
                field,
                at,
                character,
            });
        }
        if let Some(at) = value.find("-->") {
            return Err(CueProblem::Arrow { field, at });
        }
    }
    if let Some(word) = WORDS.into_iter().find(|word| id.starts_with(word)) {
        return Err(CueProblem::Id { word });
    }
    check_settings(settings)?;
    check_lines(text)?;
    check_text(text)
}

fn check_lines(text: &str) -> Result<(), CueProblem> {
    if text.trim().is_empty() {
        return Err(CueProblem::Empty);
    }
    let mut at = 0usize;
    for line in text.split('\n') {
        if line.is_empty() {
            return Err(CueProblem::BlankLine { at });
        }
        at = at.saturating_add(line.len()).saturating_add(1);
    }
    Ok(())
}

/// Character references and tags; anything else is text.
fn check_text(text: &str) -> Result<(), CueProblem> {
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut at = 0usize;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(['&', '<'])) {
        at = at.saturating_add(found);
        let rest = text.get(at..).unwrap_or_default();
        let length = if rest.starts_with('&') {
            reference(rest).ok_or(CueProblem::Escape { at })?
        } else {
            tag(rest, at, &mut open).ok_or(CueProblem::Tag { at })?
        };
        at = at.saturating_add(length);
    }
    match open.as_slice() {
        // A voice that speaks the whole cue needs no end.
        [] | [("v", 0)] => Ok(()),
        [.., (_, at)] => Err(CueProblem::Tag { at: *at }),
    }
}

/// The length of a character reference with its semicolon.
fn reference(rest: &str) -> Option<usize> {
    let (name, _) = rest.strip_prefix('&')?.split_once(';')?;
    let legal = match name.strip_prefix('#') {
        None => {
            let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            letters && name.starts_with(|first: char| first.is_ascii_alphabetic())
        }
        Some(number) => match number.strip_prefix(['x', 'X']) {
            None => !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
            Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        },
    };
    (legal && name.len() <= REFERENCE_MAX).then(|| name.len().saturating_add(2))
}

/// The length of a tag with its brackets; an end tag closes the tag that was opened last.
fn tag<'a>(rest: &'a str, at: usize, open: &mut Vec<(&'a str, usize)>) -> Option<usize> {
    let (inner, _) = rest.strip_prefix('<')?.split_once('>')?;
    let length = inner.len().saturating_add(2);
    if let Some(name) = inner.strip_prefix('/') {
        let (last, _) = open.pop()?;
        return (last == name).then_some(length);
    }
    let name_end = inner.find(['.', ' ', '\t', '\n']).unwrap_or(inner.len());
    let (name, after) = inner.split_at_checked(name_end)?;
    let (classes, annotation) = match after.split_once([' ', '\t']) {
        None => (after, None),
        Some((classes, annotation)) => (classes, Some(annotation.trim())),
    };
    let mut classes = classes.split('.');
    let class = |class: &str| !class.is_empty() && !class.contains(['&', '<', '\n']);
    if !classes.next()?.is_empty() || !classes.all(class) {
        return None;
    }
    let inside_ruby = open.last().is_some_and(|(outer, _)| *outer == "ruby");
    let legal = match (name, annotation) {
        ("b" | "c" | "i" | "ruby" | "u", None) => true,
        ("rt", None) => inside_ruby,
        ("v", Some(voice)) => !voice.is_empty() && annotates(voice),
        ("lang", Some(language)) => {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !language.is_empty() && language.bytes().all(letter)
        }
        _ => false,
    };
    if !legal || open.len() >= DEPTH_MAX {
        return None;
    }
    open.push((name, at));
    Some(length)
}

/// Whether an annotation has no markup but character references.
fn annotates(text: &str) -> bool {
    let plain = !text.contains(['<', '\n']);
    let mut marks = text.match_indices('&');
    plain && marks.all(|(at, _)| text.get(at..).and_then(reference).is_some())
}

fn check_settings(settings: &str) -> Result<(), CueProblem> {
    let mut seen: Vec<&str> = Vec::new();
    let mut at = 0usize;
    for setting in settings.split([' ', '\t']) {
        let next = at.saturating_add(setting.len()).saturating_add(1);
        if !setting.is_empty() {
            let problem = CueProblem::Setting { at };
            let (name, value) = setting.split_once(':').ok_or(problem)?;
            if seen.contains(&name) || !legal(name, value) {
                return Err(problem);
            }
            seen.push(name);
        }
        at = next;
    }
    Ok(())
}

fn legal(name: &str, value: &str) -> bool {
    let (first, second) = match value.split_once(',') {
        None => (value, None),
        Some((first, second)) => (first, Some(second)),
    };
    match name {
        "align" => matches!(value, "center" | "end" | "left" | "right" | "start"),
        "line" => {
            let place = percentage(first) || line_number(first);
            place && matches!(second, None | Some("center" | "end" | "start"))
        }
        "position" => {
            let edge = matches!(second, None | Some("center" | "line-left" | "line-right"));
            percentage(first) && edge
        }
        "size" => percentage(value),
        "vertical" => matches!(value, "lr" | "rl"),
        _ => false,
    }
}

/// `0%` to `100%`, with or without a fraction.
fn percentage(value: &str) -> bool {
    let Some(number) = value.strip_suffix('%') else {
        return false;
    };
    let (whole, fraction) = match number.split_once('.') {
        None => (number, "0"),
        Some(split) => split,
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return false;
    }
    let zero = fraction.bytes().all(|byte| byte == b'0');
    whole
        .parse::<u32>()
        .is_ok_and(|whole| whole < 100 || (whole == 100 && zero))
}

/// Lines from the top, or with a sign from the bottom; more digits than any screen has lines are none.
fn line_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
