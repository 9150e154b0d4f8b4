//! Embeds the audience page into the library, compressed once here and never at run time.
//!
//! hls.js comes from npm (`npm --prefix examples/web ci --omit=dev`). Without it the build goes on, and
//! the page falls back to the browser's own player.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const PAGE: &str = "web";
const HLS_JS: &str = "web/node_modules/hls.js/dist/hls.min.js";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PAGE}");
    println!("cargo::rerun-if-changed={HLS_JS}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut files: Vec<PathBuf> = fs::read_dir(PAGE)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|path| {
        media_type(path).is_some()
            && path.is_file()
            && !path.to_string_lossy().ends_with(".test.js")
    });
    files.sort();
    if Path::new(HLS_JS).is_file() {
        files.push(HLS_JS.into());
    } else {
        println!(
            "cargo::warning=hls.js is not installed: the page will use the browser's own player, which Chrome on a desktop and Firefox \
             lack. Run `npm --prefix examples/web ci --omit=dev` and build again."
        );
    }
    let mut table = String::from("&[\n");
    for path in &files {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a file name that is not UTF-8")?;
        let plain = fs::read(path)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        let gzip = encoder.finish()?;
        let mut hasher = DefaultHasher::new();
        plain.hash(&mut hasher);
        fs::write(out.join(name), &plain)?;
        fs::write(out.join(format!("{name}.gz")), &gzip)?;
        writeln!(
            table,
            "    Asset {{ name: {name:?}, media_type: {:?}, etag: \"\\\"{:016x}\\\"\", \
             plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")), \
             gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")) }},",
            media_type(path).ok_or("a type that changed")?,
            hasher.finish(),
        )?;
    }
    table.push(']');
    fs::write(out.join("assets.rs"), table)?;
    Ok(())
}

fn media_type(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}
