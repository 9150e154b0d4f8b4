//! Starting, publishers that come, go and die, and ending.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::harness::collect::playlist;
use crate::harness::node::{self, KEY, Node};
use crate::harness::publisher::Camera;
use crate::harness::tools::{Scratch, run, text, try_run};
use crate::harness::{collect, stage, within};

/// Runs a node that is expected to refuse to start, and gives its exit code and what it said.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let data = Scratch::new();
    let output = try_run(node::command(data.path()).args(arguments), b"");
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert!(!text(&output.stdout).contains("listening "), "it listened");
    (output.status.code(), said)
}

#[test]
fn a_port_in_use_is_said_with_what_to_do() {
    let taken =
        TcpListener::bind(("127.0.0.1", 0)).expect("the loopback interface has a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    for flag in ["--rtmp", "--http"] {
        let data = Scratch::new();
        let other = if flag == "--rtmp" { "--http" } else { "--rtmp" };
        let mut command = Command::new(node::binary());
        command
            .args([flag, &address, other, "127.0.0.1:0", "--data"])
            .arg(data.path());
        let output = try_run(&mut command, b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let port = taken.local_addr().expect("it is bound").port().to_string();
        assert!(
            said.contains(&port) && said.contains(flag),
            "neither {port} nor {flag} in: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn wrong_settings_are_said_with_their_bounds() {
    for (arguments, words) in [
        (["--part-ms", "1"], ["--part-ms", "50"]),
        (["--segment-ms", "1"], ["--segment-ms", "500"]),
        (["--window-s", "1"], ["--window-s", "10"]),
        (["--rtmp", "nowhere"], ["--rtmp", "nowhere"]),
        (["--key", "with space"], ["key", "A-Z"]),
        (
            ["--config", "no-such-file.toml"],
            ["no-such-file.toml", "configuration"],
        ),
        (["--no-such-flag", "1"], ["--no-such-flag", "--help"]),
    ] {
        // The defaults of the tests name the ports, so `--rtmp` here is given twice, which is wrong as well.
        let (code, said) = refused(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        let known = words.iter().all(|word| said.contains(word)) || arguments[0] == "--rtmp";
        assert!(known, "{arguments:?}: {said}");
    }
}

#[test]
fn a_wrong_configuration_file_is_said_with_its_line() {
    let scratch = Scratch::new();
    let file = scratch.path().join("show.toml");
    for (toml, words) in [
        ("part_ms = 200\nwindow = 3\n", ["window", "2"]),
        ("[[stage]]\nname = \"a b\"\n", ["a b", "name"]),
        (
            "[[stage]]\nname = \"a\"\nkey = \"k\"\n[[stage]]\nname = \"b\"\nkey = \"k\"\n",
            ["same key", "b"],
        ),
        ("part_ms = \"short\"\n", ["part_ms", "1"]),
    ] {
        fs::write(&file, toml).expect("the scratch folder takes files");
        let (code, said) = refused(&["--config", file.to_str().expect("UTF-8")]);
        assert_eq!(code, Some(2), "{toml}: {said}");
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{toml}: {said}"
        );
    }
}

#[test]
fn help_names_every_flag_with_its_unit_and_default() {
    let said = text(&run(Command::new(node::binary()).arg("--help"), b"").stdout);
    for flag in [
        "--rtmp <ADDR>",
        "--http <ADDR>",
        "--key <KEY>",
        "--part-ms <MS>",
        "--segment-ms <MS>",
        "--window-s <S>",
        "--config <FILE>",
        "--data <DIR>",
        "--log-format <LOG_FORMAT>",
        "0.0.0.0:1935",
        "0.0.0.0:8080",
        "milliseconds",
        "Exit codes",
    ] {
        assert!(said.contains(flag), "no {flag} in:\n{said}");
    }
}

#[test]
fn the_key_is_made_once_and_only_the_owner_reads_it() {
    let _machine = stage::shared();
    let key_of = |printed: &str| {
        let line = printed
            .lines()
            .find(|line| line.contains("stream key"))
            .expect("the banner has the key")
            .to_owned();
        line.split_whitespace().last().expect("a word").to_owned()
    };
    let node = Node::start_in(Scratch::new(), &[]);
    let first = within(Duration::from_secs(2), "the banner", || {
        let printed = node.process.stdout();
        printed.contains("stream key").then(|| key_of(&printed))
    });
    assert!(first.len() >= 20, "a short key: {first}");
    let keys: Vec<_> = fs::read_dir(node.data())
        .expect("the data folder is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&first)))
        .collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    let mode = fs::metadata(&keys[0])
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{:o}", mode & 0o777);
    // A power cut, not an orderly end.
    let data = node.kill();
    let again = Node::start_in(data, &[]);
    let second = within(Duration::from_secs(2), "the banner", || {
        let printed = again.process.stdout();
        printed.contains("stream key").then(|| key_of(&printed))
    });
    assert_eq!(first, second, "a reboot locked the camera out");
}

#[test]
fn ctrl_c_and_sigterm_end_an_idle_node_in_order() {
    let _machine = stage::shared();
    for signal in ["INT", "TERM"] {
        let mut node = Node::start(&[]);
        let begun = Instant::now();
        node.process.signal(signal);
        let status = node.process.wait(Duration::from_secs(5));
        assert_eq!(
            status.code(),
            Some(0),
            "SIG{signal}: {}",
            node.process.stderr()
        );
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "SIG{signal} took {:?}",
            begun.elapsed()
        );
    }
}

#[test]
#[ignore = "needs mount"]
fn a_full_disk_is_said_and_nothing_panics() {
    let scratch = Scratch::new();
    let disk = scratch.path().join("disk");
    fs::create_dir(&disk).expect("the scratch folder takes folders");
    run(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"])
            .arg(&disk),
        b"",
    );
    fs::write(disk.join("filler"), vec![0; 4096]).expect("it fits just so");
    let mut command = Command::new(node::binary());
    command
        .args(["--rtmp", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
        .arg(disk.join("data"));
    let output = try_run(
        Command::new("timeout")
            .arg("5")
            .arg(node::binary())
            .args(command.get_args()),
        b"",
    );
    run(Command::new("umount").arg(&disk), b"");
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(
        output.status.code(),
        Some(1),
        "it should refuse to start without a key that lasts: {said}"
    );
    assert!(said.contains("space") && said.contains("data"), "{said}");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_wrong_key_is_refused_and_said_on_both_sides() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let mut camera = Camera::default().publish(&node.publish_url("not-the-key"));
    let status = camera.wait(Duration::from_secs(10));
    assert!(!status.success(), "FFmpeg did not notice");
    assert!(!camera.stderr().is_empty(), "FFmpeg had nothing to say");
    let logged = within(Duration::from_secs(2), "the log says why", || {
        Some(node.process.stderr()).filter(|logged| logged.contains("key"))
    });
    assert!(
        !logged.contains("not-the-key"),
        "a log is no place for keys: {logged}"
    );
    assert_ne!(
        node.get("/live/index.m3u8").status,
        200,
        "a stranger went live"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_second_publisher_with_the_key_takes_over_at_once() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let mut first = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    let before = playlist(node.http, &uri, None).media;
    let _second = Camera::default().publish(&node.publish_url(KEY));
    let begun = Instant::now();
    within(Duration::from_secs(5), "the second one's picture", || {
        let media = playlist(node.http, &uri, None).media;
        assert!(media.open.msn >= before.open.msn, "numbers went back");
        media.has_return().then_some(())
    });
    println!(
        "taken over {:?} after the second one was started",
        begun.elapsed()
    );
    let status = first.wait(Duration::from_secs(5));
    assert!(!status.success(), "the first one was told nothing");
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_publisher_that_hangs_does_not_block_the_next_one() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let hanging = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    // Its connection stays up and nothing comes any more: a phone that lost its network.
    hanging.signal("STOP");
    thread::sleep(Duration::from_millis(1500));
    let _next = Camera::default().publish(&node.publish_url(KEY));
    let begun = Instant::now();
    within(Duration::from_secs(5), "the next one's picture", || {
        let media = playlist(node.http, &uri, None).media;
        media.has_return().then_some(())
    });
    println!("live {:?} after it was started", begun.elapsed());
}

#[test]
#[ignore = "needs ffmpeg"]
fn numbers_go_forward_over_a_power_cut() {
    let _machine = stage::shared();
    let node = Node::start(&[]);
    let camera = Camera::default().publish(&node.publish_url(KEY));
    let uri = collect::picture_uri(&node.wait_until_live());
    let before = within(Duration::from_secs(10), "two segments", || {
        let media = playlist(node.http, &uri, None).media;
        (media.segments.len() >= 2).then_some(media)
    });
    let data = node.kill();
    drop(camera);
    let node = Node::start_in(data, &["--key", KEY]);
    let _camera = Camera::default().publish(&node.publish_url(KEY));
    node.wait_until_live();
    let after = playlist(node.http, &uri, None).media;
    assert!(
        after.media_sequence >= before.open.msn,
        "from {} to {} over a restart (SEG-10)",
        before.open.msn,
        after.media_sequence
    );
    assert!(
        after.discontinuity_sequence >= before.discontinuity_sequence,
        "DISCONTINUITY-SEQUENCE went back (SEG-10)"
    );
}

/// The numbering is looked at five times a second: a disk that takes nothing is said once, and that it does again.
#[test]
fn a_numbering_that_cannot_be_kept_is_said_once() {
    let data = Scratch::new();
    // Not even root writes a file where a folder is.
    let place = data.path().join("live.new");
    fs::create_dir(&place).expect("a folder");
    let node = Node::start_in(data, &["--key", KEY]);
    thread::sleep(Duration::from_secs(2));
    let said = node.process.stderr();
    let count = said.matches("cannot keep the numbering").count();
    assert_eq!(count, 1, "{said}");
    fs::remove_dir(&place).expect("it is still there");
    within(Duration::from_secs(5), "the numbering is kept", || {
        let said = node.process.stderr();
        said.contains("the numbering is kept again").then_some(())
    });
    let said = node.process.stderr();
    assert_eq!(said.matches("the numbering").count(), 2, "{said}");
}

/// Both copies of the numbering are torn: that is said, and what comes is beyond what the clock allows before.
#[test]
fn a_lost_numbering_is_said() {
    let data = Scratch::new();
    for copy in ["live.mark", "live.mark2"] {
        fs::write(data.path().join(copy), [0; 40]).expect("a torn copy");
    }
    let node = Node::start_in(data, &["--key", KEY]);
    let said = within(Duration::from_secs(5), "it is said", || {
        let said = node.process.stderr();
        said.contains("no sound copy of the numbering")
            .then_some(said)
    });
    assert!(said.contains("follow the wall clock"), "{said}");
    let mark = within(Duration::from_secs(5), "a new mark is there", || {
        fs::read_to_string(node.data().join("live.mark"))
            .ok()
            .filter(|mark| !mark.contains('\0'))
    });
    let numbers: Vec<u64> = mark
        .split(' ')
        .map_while(|word| word.parse().ok())
        .collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let hours = (now.expect("after 1970").as_secs() - 1_767_225_600) / 3_600;
    assert!(numbers[1] > hours, "discontinuities too: {mark}");
}
