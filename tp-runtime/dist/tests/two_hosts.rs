//! Ranks on two hosts, which are network namespaces: `examples/launch/two-hosts.sh` runs this test's own
//! binary in them. Needs root and `ip`; skipped elsewhere.

mod processes;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use processes::{SCENARIO, report, scenario};
use tch::Tensor;
use tp_dist::{Error, Launch, RankContext, ReduceOp, Result, launch};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/launch/two-hosts.sh"
);

const TIMEOUT: Duration = Duration::from_secs(5);

/// What a rank's process runs; in the test run itself it has nothing to do.
#[test]
fn rank_process() {
    let Some(scenario) = scenario() else {
        return;
    };
    let options = Launch {
        timeout: TIMEOUT,
        ..Launch::new(if scenario == "mesh" { 4 } else { 2 })
    };
    report(launch(&options, |rank| match &*scenario {
        "for ever" => add_for_ever(&rank),
        "once" => add_once(&rank),
        _ => add_along_a_mesh(&rank),
    }));
}

fn add_along_a_mesh(rank: &RankContext) -> Result<String> {
    let mesh = rank.mesh(&[("dp", 2), ("tp", 2)])?;
    let own = || Tensor::from_slice(&[(1 << rank.rank()) as f32]);
    let sum = |name| {
        let sum = mesh.group(name)?.all_reduce(own(), ReduceOp::Sum, name)?;
        Ok::<_, Error>(sum.double_value(&[0]))
    };
    Ok(format!(
        "rank {}: {} {}",
        rank.rank(),
        sum("dp")?,
        sum("tp")?
    ))
}

fn add_once(rank: &RankContext) -> Result<String> {
    let own = Tensor::from_slice(&[1.0f32 + rank.rank() as f32]);
    let sum = rank.world.all_reduce(own, ReduceOp::Sum, "sum")?;
    Ok(format!("rank {}: {}", rank.rank(), sum.double_value(&[0])))
}

fn add_for_ever(rank: &RankContext) -> Result<String> {
    loop {
        let own = Tensor::from_slice(&[1.0f32; 1000]);
        let sum = rank.world.all_reduce(own, ReduceOp::Sum, "steps")?;
        assert_eq!(sum.double_value(&[999]), 2.0);
        println!("<step>");
    }
}

/// What the names of a test's namespaces begin with; `None` where none can be made.
fn hosts(test: &str) -> Option<String> {
    let name = format!("tp-{test}-{}", std::process::id());
    let ip = |command: &str| {
        let status = Command::new("ip").args(["netns", command, &name]).status();
        status.is_ok_and(|status| status.success())
    };
    let made = ip("add") && ip("delete");
    if !made {
        eprintln!("skipped: no network namespaces can be made here, which takes root and `ip`");
    }
    made.then_some(name)
}

/// The script; both streams come through one pipe each.
fn command(scenario: &str, hosts: &str, ranks_per_host: usize) -> Command {
    let mut command = Command::new(SCRIPT);
    // By hand, as without a launcher that counts the ranks of a host.
    let by_hand = ["env", "-u", "LOCAL_WORLD_SIZE"].iter();
    command
        .args(by_hand.filter(|_| scenario == "once"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "rank_process", "--nocapture"])
        .env(SCENARIO, scenario)
        .env("HOSTS", hosts)
        .env("RANKS_PER_HOST", ranks_per_host.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn start(scenario: &str, hosts: &str, ranks_per_host: usize) -> Child {
    command(scenario, hosts, ranks_per_host).spawn().unwrap()
}

#[test]
fn ranks_on_two_hosts_meet() {
    let Some(hosts) = hosts("meet") else {
        return;
    };
    let output = start("mesh", &hosts, 2).wait_with_output().unwrap();
    let [told, errors] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{errors}");
    for line in [
        "<rank 0: 5 3>",
        "<rank 1: 10 3>",
        "<rank 2: 5 12>",
        "<rank 3: 10 12>",
    ] {
        assert!(told.contains(line), "{told}{errors}");
    }
}

/// A name that each host reads as its own file of hosts says.
struct Named {
    folders: [PathBuf; 2],
}

impl Named {
    fn new(hosts: &str, addresses: [&str; 2]) -> Self {
        let folders = [0, 1].map(|host| PathBuf::from(format!("/etc/netns/{hosts}-{host}")));
        for (folder, address) in folders.iter().zip(addresses) {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("hosts"), format!("{address} head\n")).unwrap();
        }
        Self { folders }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        for folder in &self.folders {
            // What stays disturbs nobody: its host is gone.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

#[test]
fn a_host_that_is_itself_by_its_own_name_is_told_what_to_do() {
    let Some(hosts) = hosts("name") else {
        return;
    };
    let _named = Named::new(&hosts, ["127.0.1.1", "10.77.0.1"]);
    let run = |interface: Option<&str>| {
        let mut job = command("once", &hosts, 1);
        job.env("MASTER_ADDR", "head");
        if let Some(interface) = interface {
            job.env("GLOO_SOCKET_IFNAME", interface);
        }
        let output = job.output().unwrap();
        let texts = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), texts.concat())
    };
    let (success, told) = run(None);
    assert!(!success, "{told}");
    let expected = "1 of the ranks read MASTER_ADDR as an address of their own host";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("in GLOO_SOCKET_IFNAME"), "{told}");
    let (success, told) = run(Some("eth0"));
    assert!(success && told.contains("<rank 1: 3>"), "{told}");
}

#[test]
fn a_cut_cable_ends_both_sides_within_the_timeout() {
    let Some(hosts) = hosts("cut") else {
        return;
    };
    let mut job = start("for ever", &hosts, 1);
    let mut told = BufReader::new(job.stdout.take().unwrap()).lines();
    assert!(
        told.any(|line| line.unwrap().contains("<step>")),
        "no step was made"
    );
    let first = format!("{hosts}-0");
    let cut = Command::new("ip")
        .args(["-n", &first, "link", "set", "eth0", "down"])
        .status();
    assert!(cut.unwrap().success());
    let start = Instant::now();
    told.for_each(drop);
    let mut errors = String::new();
    job.stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert!(!job.wait().unwrap().success());
    assert!(start.elapsed() < 2 * TIMEOUT, "{:?}", start.elapsed());
    for (rank, peer) in [(0, 1), (1, 0)] {
        let expected = format!(
            "<rank {rank} failed: rank {rank} in all_reduce for `steps` failed in gloo with rank {peer}:"
        );
        assert!(errors.contains(&expected), "{errors}");
    }
}
