//! Writes what is shown.

use std::fmt::Write as _;

use super::rendition::Rendition;
use super::shown::{Context, is_own};
use crate::m3u8::Attributes;
use crate::text::push_date;

/// Writes the playlist at `path`; `other` gives the renditions that its reports speak of.
pub(super) fn render<'a>(
    rendition: &Rendition,
    path: &str,
    other: impl Fn(&str) -> Option<&'a Rendition>,
) -> String {
    let base = rendition.base();
    let mut out = String::from("#EXTM3U\n");
    line(
        &mut out,
        format_args!("#EXT-X-TARGETDURATION:{}", rendition.target_s()),
    );
    line(
        &mut out,
        format_args!("#EXT-X-MEDIA-SEQUENCE:{}", rendition.first_msn()),
    );
    if rendition.discontinuities() > 0 {
        let count = rendition.discontinuities();
        line(
            &mut out,
            format_args!("#EXT-X-DISCONTINUITY-SEQUENCE:{count}"),
        );
    }
    for text in base
        .head()
        .filter(|line| *line != "#EXTM3U" && is_own(line))
    {
        line(&mut out, text);
    }
    let mut held = Context::default();
    let mut is_first = true;
    for shown in rendition.shown() {
        if shown.discontinuity {
            line(&mut out, "#EXT-X-DISCONTINUITY");
        }
        push_context(&mut out, &mut held, &shown.context);
        let dated = |line: &String| line.starts_with("#EXT-X-PROGRAM-DATE-TIME");
        if (is_first || shown.discontinuity) && !shown.lines.iter().any(dated) {
            push_date_us(&mut out, shown.date_us);
        }
        for text in &shown.lines {
            line(&mut out, text);
        }
        is_first = false;
    }
    if let Some(open) = rendition.open() {
        if open.discontinuity || rendition.opens_rejoined() {
            line(&mut out, "#EXT-X-DISCONTINUITY");
        }
        push_context(&mut out, &mut held, &rendition.open_context());
        if rendition.opens_rejoined() && open.program_date_time_us.is_none() {
            push_date_us(&mut out, rendition.open_date_us());
        }
        for text in open.lines().filter(|line| is_own(line)) {
            line(&mut out, text);
        }
    }
    for text in base.lines() {
        let (tag, value) = text.split_once(':').unwrap_or((text, ""));
        match tag.trim_end() {
            "#EXT-X-ENDLIST" => line(&mut out, text),
            "#EXT-X-PRELOAD-HINT" if rendition.open().is_some() => line(&mut out, text),
            "#EXT-X-RENDITION-REPORT" => push_report(&mut out, path, value, &other),
            _ => {}
        }
    }
    out
}

/// Writes what holds from here on, where it is other than what held. Nothing takes an init segment away, but for a key
/// there is a method for that.
fn push_context(out: &mut String, held: &mut Context, next: &Context) {
    if held.keys != next.keys {
        if next.keys.is_empty() {
            line(out, "#EXT-X-KEY:METHOD=NONE");
        }
        for key in &*next.keys {
            line(out, key);
        }
    }
    if held.map != next.map
        && let Some(map) = &next.map
    {
        line(out, map);
    }
    held.clone_from(next);
}

fn push_date_us(out: &mut String, date_us: Option<i64>) {
    let Some(ms) = date_us.and_then(|us| u64::try_from(us / 1_000).ok()) else {
        return;
    };
    out.push_str("#EXT-X-PROGRAM-DATE-TIME:");
    push_date(out, ms);
    out.push('\n');
}

/// Writes a report in the numbers that are shown. One of a rendition that is not known would lead nowhere.
fn push_report<'a>(
    out: &mut String,
    path: &str,
    list: &str,
    other: impl Fn(&str) -> Option<&'a Rendition>,
) {
    let Some(attributes) = Attributes::parse(list) else {
        return;
    };
    let Some(rendition) = attributes
        .text("URI")
        .and_then(|uri| resolved(path, uri))
        .and_then(|path| other(&path))
    else {
        return;
    };
    let said = attributes.get("LAST-MSN").and_then(|msn| msn.parse().ok());
    let ours = said.and_then(|msn| rendition.downstream(msn));
    let (last_msn, last_part) = rendition.last();
    let mut between = ':';
    out.push_str("#EXT-X-RENDITION-REPORT");
    for (name, value) in attributes.iter() {
        out.push(between);
        let _ = match (name, ours) {
            ("LAST-MSN", Some(msn)) => write!(out, "{name}={msn}"),
            ("LAST-MSN", None) => write!(out, "{name}={last_msn}"),
            ("LAST-PART", None) => write!(out, "{name}={last_part}"),
            _ => write!(out, "{name}={value}"),
        };
        between = ',';
    }
    out.push('\n');
}

/// The path that a reference stands for; none for another origin's.
fn resolved(base: &str, reference: &str) -> Option<String> {
    let reference = reference.split(['?', '#']).next()?;
    if reference.starts_with("//") || reference.split('/').next()?.contains(':') {
        return None;
    }
    if reference.starts_with('/') {
        return Some(reference.to_owned());
    }
    let (folder, _) = base.rsplit_once('/')?;
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in reference.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    Some(format!("/{}", steps.join("/")))
}

fn line(out: &mut String, text: impl std::fmt::Display) {
    let _ = writeln!(out, "{text}");
}
