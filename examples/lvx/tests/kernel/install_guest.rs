//! Whether systemd in the guest really shuts a service in: if it does not, a hardened unit that
//! works here proves nothing.

use std::{fs, path::Path};

use crate::{guest::assert_has_what_the_tests_need, ran};

/// Tries what it may and what it may not do, and writes down what came of it.
const SERVICE: &str = r#"[Service]
Type=oneshot
RuntimeDirectory=shut-in
RuntimeDirectoryPreserve=yes
ExecStart=/bin/sh -c '\
  tried() { name=$$1; shift; if "$$@" 2>/dev/null; then echo $$name yes; else echo $$name no; fi; }; \
  { tried usr touch /usr/touched; \
    tried etc touch /etc/touched; \
    tried run touch /run/shut-in/touched; \
    tried null sh -c "echo >/dev/null"; \
    tried uhid sh -c "exec 3<>/dev/uhid"; \
    tried mount mount -t tmpfs tmpfs /run/shut-in/mounted; \
    tried chown chown tester /run/shut-in/touched; \
    cat /dev/absent-hidraw; \
    ls /sys/class/net; \
    grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; \
  } >/run/shut-in/report 2>&1'
"#;

/// What a daemon that reads hidraw nodes can do without.
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

const SHUT_IN: &str = "\
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

const FREE: &str = "\
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
fn is_up_and_has_what_the_tests_need() {
    assert_has_what_the_tests_need();
    assert_eq!(ran("systemctl", &["is-system-running", "--wait"]), (true, "running\n".to_owned()));
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn shuts_a_hardened_service_in_and_no_other() {
    // A node of hidraw's without a device: to open it fails, but otherwise than what is forbidden.
    let numbers = fs::read_to_string("/proc/devices").unwrap();
    let hidraw = numbers.lines().find_map(|line| line.trim().strip_suffix(" hidraw")).unwrap();
    succeeds("mknod", &["/dev/absent-hidraw", "c", hidraw, "63"]);

    assert_eq!(report("shut-in", HARDENING), SHUT_IN);
    assert!(!Path::new("/usr/touched").exists());
    assert_eq!(report("free", ""), FREE);
    assert!(Path::new("/usr/touched").exists());
}

/// What the service writes down when it runs with these settings.
#[track_caller]
fn report(name: &str, settings: &str) -> String {
    let unit = format!("{name}.service");
    fs::create_dir_all("/run/shut-in/mounted").unwrap();
    fs::write(format!("/run/systemd/system/{unit}"), format!("{SERVICE}{settings}")).unwrap();
    succeeds("systemctl", &["daemon-reload"]);
    succeeds("systemctl", &["start", &unit]);
    fs::read_to_string("/run/shut-in/report").unwrap()
}

#[track_caller]
fn succeeds(program: &str, arguments: &[&str]) {
    let (ended_well, printed) = ran(program, arguments);
    assert!(ended_well, "{program} {arguments:?}: {printed}");
}
