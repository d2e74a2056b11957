//! Hooks with real programs and a small server.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    process::Command,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{Delivery, Hooks, exec, webhook};
use crate::{
    Now,
    alert::{Alerts, Notice},
    config::{AlertConfig, HookConfig, Secret},
    storage::{MemoryStorage, Storage},
};

const LONG: Duration = Duration::from_secs(20);

fn shell(script: &str, timeout: Duration) -> Result<(), String> {
    let (_running, stopped) = UnixStream::pair().unwrap();
    let arguments = ["-c".to_owned(), script.to_owned()];
    exec::run(Path::new("/bin/sh"), &arguments, timeout, "{\"v\":1}", &stopped)
}

#[test]
fn program_gets_json_and_an_empty_environment() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let script = format!("cat > {place}/input; /usr/bin/env > {place}/env; pwd > {place}/pwd");
    shell(&script, LONG).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("input")).unwrap(), "{\"v\":1}");
    // A shell sets PWD itself.
    let environment = fs::read_to_string(folder.path().join("env")).unwrap();
    let names: Vec<_> = environment.lines().filter_map(|line| line.split('=').next()).collect();
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| own.contains(name)), "{names:?}");
    assert_eq!(fs::read_to_string(folder.path().join("pwd")).unwrap(), "/\n");
}

#[test]
fn program_that_fails_is_reported() {
    assert_eq!(shell("exit 3", LONG).unwrap_err(), "expected exit status 0, found exit status: 3");
}

#[test]
fn program_that_hangs_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let error = shell(&script, Duration::from_secs(1)).unwrap_err();
    assert_eq!(error, "did not end within 1 s and was killed");
    let child = fs::read_to_string(file).unwrap().trim().parse().ok().and_then(Pid::from_raw);
    // If it is gone already, it has no descriptor. Otherwise its end is on the way.
    if let Ok(child) = pidfd_open(child.unwrap(), PidfdFlags::empty()) {
        assert_eq!(poll(&mut [PollFd::new(&child, PollFlags::IN)], None).unwrap(), 1);
    }
}

#[test]
fn program_that_others_can_replace_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hook");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    let set =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let (_running, stopped) = UnixStream::pair().unwrap();
    let run = |path: &Path| exec::run(path, &[], LONG, "", &stopped).unwrap_err();
    set(&program, 0o722);
    assert!(run(&program).ends_with("writable by its owner only; chmod go-w it"));
    set(&program, 0o700);
    set(folder.path(), 0o777);
    assert!(run(&program).ends_with("writable by its owner only; chmod go-w it"));
    set(folder.path(), 0o700);
    assert_eq!(run(Path::new("bin/sh")), "expected an absolute path, found bin/sh");
    assert!(run(folder.path()).starts_with("expected a file"));
}

/// Answers requests with the given status lines, one each, and passes on what it received.
fn serve(answers: &'static [&'static str]) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=secret", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut request, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                request += &line;
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            request += std::str::from_utf8(&body).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").unwrap();
            sender.send(request).unwrap();
        }
    });
    (url, received)
}

#[test]
fn webhook_posts_json() {
    let (url, received) = serve(&["204 No Content"]);
    let token = Secret::new("Bearer abc");
    webhook::post(&url, Some(&token), LONG, "{\"v\":1}").unwrap();
    let request = received.recv().unwrap();
    assert!(request.starts_with("POST /hook?token=secret HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer abc\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"v\":1}"), "{request}");
}

#[test]
fn webhook_follows_no_redirect() {
    let (url, received) = serve(&["302 Found\r\nlocation: http://127.0.0.1:1/", "500 Oops"]);
    let error = webhook::post(&url, None, LONG, "{}").unwrap_err();
    assert_eq!(error, "expected a status from 200 to 299, found 302");
    let error = webhook::post(&url, None, LONG, "{}").unwrap_err();
    assert_eq!(error, "expected a status from 200 to 299, found 500");
    assert_eq!(received.iter().count(), 2);
}

#[test]
fn webhook_to_another_host_needs_https() {
    let error = webhook::post("http://example.org/", None, LONG, "{}").unwrap_err();
    assert_eq!(error, "expected https, because the host is another one");
    assert_eq!(webhook::host("https://user:pw@example.org/token"), "example.org");
}

fn notices(count: usize) -> Vec<Notice> {
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut now = Now::system();
    for _ in 0..count.div_ceil(2) {
        alerts.test("Ann", now);
        now.instant += Duration::from_mins(1);
        alerts.tick(now);
    }
    alerts.notices().take(count).cloned().collect()
}

#[test]
fn delivery_tries_again_later_each_time() {
    let mut delivery = Delivery::new(vec![0, 0]);
    let notices = notices(2);
    delivery.push(&notices[0]);
    delivery.push(&notices[1]);
    delivery.push(&notices[0]);
    let mut now = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let (index, notice) = delivery.next(now).unwrap();
        assert_eq!((index, notice.number), (0, notices[0].number));
        delivery.done(0, false, now, 1.0);
        // The other hook does not wait for this one.
        assert_eq!(delivery.next(now).unwrap().0, 1);
        let at = delivery.deadline().unwrap();
        pauses.push((at - now).as_secs());
        now = at;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    for notice in &notices {
        assert_eq!(delivery.next(now).unwrap().1.number, notice.number);
        delivery.done(0, true, now, 1.0);
    }
    assert_eq!(delivery.delivered().next(), Some(notices[1].number));
    assert_eq!(delivery.next(now).unwrap().0, 1);
}

#[test]
fn delivery_is_bounded() {
    let mut delivery = Delivery::new(vec![0]);
    let template = &notices(1)[0];
    for number in 1..1000 {
        delivery.push(&Notice { number, ..template.clone() });
    }
    assert_eq!(delivery.next(Instant::now()).unwrap().1.number, 1000 - 64);
}

#[test]
fn hook_that_hangs_is_killed_when_the_bridge_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (program, pipe) = (folder.path().join("hook"), folder.path().join("pipe"));
    fs::write(&program, format!("#!/bin/sh\necho > {}\nexec sleep 1000\n", pipe.display()))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let timeout = Duration::from_secs(1000);
    let hooks = [HookConfig::Exec { program, arguments: Vec::new(), timeout }];
    let (site, bank) = ("cabin".parse().unwrap(), "main".parse().unwrap());
    let storage = Arc::new(MemoryStorage::default());
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let file = "alerts-main.json";
    let started = Hooks::start(&hooks, &site, &bank, &alerts, file, None, storage.clone());
    let mut started = started.unwrap().unwrap();
    let before = storage.load(&Hooks::file_name(&bank)).unwrap();
    alerts.test("Ann", Now::system());
    started.notify(&alerts);
    // Returns once the program runs.
    fs::read(&pipe).unwrap();
    started.stop();
    storage.save(file, b"newer").unwrap();
    drop(started);
    // It is called again after the next start, and the state that the bank wrote is kept.
    assert_eq!(storage.load(&Hooks::file_name(&bank)).unwrap(), before);
    assert_eq!(storage.load(file).unwrap().unwrap(), b"newer");
}

#[test]
fn hook_is_notified_once_over_restarts() {
    let (url, received) = serve(&["200 OK", "200 OK", "200 OK"]);
    let hooks = [HookConfig::Webhook { url, authorization: None, timeout: LONG }];
    let storage = MemoryStorage::default();
    let start = |alerts: &Alerts| {
        let (site, bank) = ("cabin".parse().unwrap(), "main".parse().unwrap());
        let storage = Arc::new(storage.clone());
        let saved = storage.load(&Hooks::file_name(&bank)).unwrap();
        let file = "alerts-main.json";
        let started = Hooks::start(&hooks, &site, &bank, alerts, file, saved.as_deref(), storage);
        started.unwrap().unwrap()
    };
    let mut alerts = Alerts::new(&AlertConfig::default(), None);
    let mut now = Now::system();
    let mut first = start(&alerts);
    alerts.test("Ann", now);
    first.notify(&alerts);
    assert!(received.recv().unwrap().contains("\"change\":\"raised\""));
    // The request was answered, but perhaps not noted yet.
    now.instant += Duration::from_mins(1);
    alerts.tick(now);
    first.notify(&alerts);
    assert!(received.recv().unwrap().contains("\"change\":\"cleared\""));
    drop(first);
    let saved = storage.load("alerts-main.json").unwrap().unwrap();
    let mut alerts = Alerts::new(&AlertConfig::default(), Some(&saved));
    alerts.test("Bob", now);
    let mut second = start(&Alerts::new(&AlertConfig::default(), Some(&saved)));
    second.notify(&alerts);
    assert!(received.recv().unwrap().contains("test alert of Bob"));
}
