//! What an object is, by its path: any server's, so only what most of them agree on.

use backline_cache::pull::Unit;
use backline_cache::rules::Class;

/// What a path most likely is.
pub(crate) fn of(path: &str) -> Class {
    let file = path.rsplit('/').next().unwrap_or(path);
    let Some((stem, extension)) = file.rsplit_once('.') else {
        return Class::Page;
    };
    match extension.to_ascii_lowercase().as_str() {
        "m3u8" | "mpd" => Class::Playlist,
        "mp4" | "m4i" | "cmfv" | "cmfa" if stem.contains("init") => Class::Init,
        // Our own origin's parts, and those that name themselves.
        "m4s" if stem.contains("part") || begins(stem, 'p') => Class::Part,
        "m4s" | "ts" | "aac" | "m4v" | "m4a" | "cmfv" | "cmfa" | "cmft" | "mp4" | "vtt" => {
            Class::Segment
        }
        "html" | "htm" | "css" | "js" | "mjs" | "json" | "svg" | "png" | "jpg" | "jpeg"
        | "webp" | "avif" | "gif" | "ico" | "woff2" | "txt" => Class::Page,
        _ => Class::Other,
    }
}

/// How a growing body of this class is given out: no byte of a part or playlist before all of them are there
/// (draft-pantos-hls-rfc8216bis, 6.2.6).
pub(crate) const fn unit(class: Class) -> Unit {
    match class {
        Class::Init | Class::Part | Class::Playlist => Unit::Whole,
        _ => Unit::Any,
    }
}

/// `p12`: a letter and a number.
fn begins(stem: &str, letter: char) -> bool {
    stem.strip_prefix(letter).is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b".-_".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_they_are() {
        for (path, class) in [
            ("/live/m0/index.m3u8", Class::Playlist),
            ("/dash/live.mpd", Class::Playlist),
            ("/live/v0/init.mp4", Class::Init),
            ("/live/v0/p12.m4s", Class::Part),
            ("/live/v0/s12.m4s", Class::Segment),
            ("/plain/out3.ts", Class::Segment),
            ("/shop/", Class::Page),
            ("/shop/index.HTML", Class::Page),
            ("/a.bin", Class::Other),
        ] {
            assert_eq!(of(path), class, "{path}");
        }
        assert_eq!(unit(Class::Part), Unit::Whole);
        assert_eq!(unit(Class::Segment), Unit::Any);
    }
}
