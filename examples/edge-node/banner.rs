//! What a person needs to know at the start, on standard output.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use backline_examples::adapt::assets;
use qrcode::QrCode;
use qrcode::types::Color;

use super::stage::Stage;

/// Where the program listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listening {
    pub(crate) rtmp: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
}

/// Prints the banner, and the one line that scripts wait for. A closed standard output is no reason to
/// end the show.
pub(crate) fn print(at: Listening, stages: &[Arc<Stage>]) {
    let mut out = io::stdout().lock();
    let lines: Vec<_> = stages
        .iter()
        .map(|stage| (stage.name.as_str(), stage.key.as_str()))
        .collect();
    let text = banner(at, &lines, out.is_terminal());
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// The server line of OBS.
pub(crate) fn server(rtmp: SocketAddr) -> String {
    format!("rtmp://{}/live", reachable(rtmp))
}

fn banner(at: Listening, stages: &[(&str, &str)], terminal: bool) -> String {
    let Listening { rtmp, http, https } = at;
    let mut text = format!("listening rtmp={rtmp} http={http}");
    let page = format!("http://{}/", reachable(http));
    // Writing to a string cannot fail.
    if let Some(https) = https {
        let _ = write!(text, " https={https}");
    }
    let _ = writeln!(text, "\n\n  Audience page   {page}");
    if let Some(https) = https {
        let _ = writeln!(text, "  The same in TLS https://{}/", reachable(https));
    }
    for (name, key) in stages {
        if stages.len() > 1 {
            let _ = writeln!(text, "\n  Stage {name}: {page}{name}/");
        }
        let _ = writeln!(text, "  OBS server      {}", server(rtmp));
        let _ = writeln!(text, "  OBS stream key  {key}");
    }
    if terminal && let Some(code) = qr(&page) {
        let _ = write!(text, "\n{code}");
    }
    text.push_str(
        "\n  Next: in OBS choose Settings, Stream, Custom, and enter server and key; set the keyframe\n\
         \x20 interval to 2 s. Then open the page on a phone in the same network. Ctrl-C ends the show.\n",
    );
    if !assets::has_player() {
        text.push_str(
            "\n  This build has no hls.js: only browsers with HLS of their own (Safari) will play. Run\n\
             \x20 `npm --prefix examples/web ci --omit=dev` and build again.\n",
        );
    }
    text.push('\n');
    text
}

/// The address that others in the network can use: the one that was bound, or this machine's own when
/// it was bound to all.
fn reachable(bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let mut found: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !is_bridge(&interface.name))
        .map(|interface| interface.ip())
        .filter(IpAddr::is_ipv4)
        .collect();
    // A private address is the venue's network; a public one may be behind a firewall.
    found.sort_by_key(|address| !matches!(address, IpAddr::V4(v4) if v4.is_private()));
    let address = found
        .first()
        .copied()
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    SocketAddr::new(address, bound.port())
}

/// Networks between containers and virtual machines, where no phone is.
fn is_bridge(name: &str) -> bool {
    ["docker", "br-", "veth", "virbr", "tun", "tap"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A QR code of half blocks: two rows of it in one line of text, dark on light as readers want it.
fn qr(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let quiet = 2;
    let dark = |x: usize, y: usize| {
        let inside = quiet..quiet + width;
        inside.contains(&x) && inside.contains(&y) && code[(x - quiet, y - quiet)] == Color::Dark
    };
    let side = width + 2 * quiet;
    let mut out = String::new();
    for y in (0..side).step_by(2) {
        out.push_str("  \u{1b}[30;107m");
        for x in 0..side {
            out.push(match (dark(x, y), y + 1 < side && dark(x, y + 1)) {
                (true, true) => '\u{2588}',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (false, false) => ' ',
            });
        }
        out.push_str("\u{1b}[0m\n");
    }
    Some(out)
}

#[cfg(test)]
mod tests;
