//! Tests that systemd in the guest enforces the restrictions of a hardened service. Otherwise, the other tests
//! would not show that `lvx-links.service` works under its restrictions.

use std::{fs, path::Path};

use crate::{guest::assert_complete, program::run};

/// Attempts allowed and forbidden operations, and writes the results to a report.
const SERVICE: &str = r#"[Service]
Type=oneshot
RuntimeDirectory=hardened
RuntimeDirectoryPreserve=yes
ExecStart=/bin/sh -c '\
  tried() { name=$$1; shift; if "$$@" 2>/dev/null; then echo $$name yes; else echo $$name no; fi; }; \
  { tried usr touch /usr/touched; \
    tried etc touch /etc/touched; \
    tried run touch /run/hardened/touched; \
    tried null sh -c "echo >/dev/null"; \
    tried uhid sh -c "exec 3<>/dev/uhid"; \
    tried mount mount -t tmpfs tmpfs /run/hardened/mounted; \
    tried chown chown tester /run/hardened/touched; \
    cat /dev/absent-hidraw; \
    ls /sys/class/net; \
    grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; \
  } >/run/hardened/report 2>&1'
"#;

/// Restrictions under which a daemon can still read hidraw nodes.
const HARDENING: &str = "
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateNetwork=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
DevicePolicy=closed
DeviceAllow=char-hidraw rw
CapabilityBoundingSet=
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
";

const RESTRICTED: &str = "\
usr no
etc no
run yes
null yes
uhid no
mount no
chown no
cat: can't open '/dev/absent-hidraw': No such device
lo
CapBnd:\t0000000000000000
NoNewPrivs:\t1
Seccomp:\t2
";

const UNRESTRICTED: &str = "\
usr yes
etc yes
run yes
null yes
uhid yes
mount yes
chown yes
cat: can't open '/dev/absent-hidraw': No such device
lo
CapBnd:\t000001ffffffffff
NoNewPrivs:\t0
Seccomp:\t0
";

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn guest_with_systemd_is_running_and_complete() {
    assert_complete();
    assert_eq!(run("systemctl", &["is-system-running", "--wait"]), (true, "running\n".to_owned()));
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn hardened_service_is_restricted_and_plain_service_is_not() {
    // Opening a hidraw node without a device fails with a different error than opening a forbidden node.
    let numbers = fs::read_to_string("/proc/devices").unwrap();
    let hidraw = numbers.lines().find_map(|line| line.trim().strip_suffix(" hidraw")).unwrap();
    succeeds("mknod", &["/dev/absent-hidraw", "c", hidraw, "63"]);

    assert_eq!(report("hardened", HARDENING), RESTRICTED);
    assert!(!Path::new("/usr/touched").exists());
    assert_eq!(report("plain", ""), UNRESTRICTED);
    assert!(Path::new("/usr/touched").exists());
}

/// Runs the service with additional settings and returns its report.
#[track_caller]
fn report(name: &str, settings: &str) -> String {
    let unit = format!("{name}.service");
    fs::create_dir_all("/run/hardened/mounted").unwrap();
    fs::write(format!("/run/systemd/system/{unit}"), format!("{SERVICE}{settings}")).unwrap();
    succeeds("systemctl", &["daemon-reload"]);
    succeeds("systemctl", &["start", &unit]);
    fs::read_to_string("/run/hardened/report").unwrap()
}

#[track_caller]
fn succeeds(program: &str, arguments: &[&str]) {
    let (succeeded, printed) = run(program, arguments);
    assert!(succeeded, "{program} {arguments:?}: {printed}");
}
