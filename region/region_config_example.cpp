#include "region/region_config.hpp"

namespace regent {

std::string example_region_config() {
  return R"yaml(# A region: which cloud governs it, which hosts it has, and how regent works on them.
# Check this file with `regent config check FILE`. A running daemon reads it again on SIGHUP; a bad file changes nothing.
# Spans of time are written 500ms, 5s, 10m, 2h, 7d. Keys whose value here is "the default" may be left out.

region: example-1                      # shown in logs and metrics
state_directory: /var/lib/regent       # the journal; the default
log_level: info                        # trace, debug, info (the default), warning, error

cloud:
  dialect: cloudcix                    # the default, and the only one so far
  url: https://iaas.example.com/       # https, except to this machine itself
  membership_url: https://membership.example.com/   # the login service; the same server if left out
  email: robot@example.com
  # Secrets are named, not written here: {file: PATH} or {environment: NAME}. They are read again at every login.
  password: {file: /etc/regent/secrets/password}
  api_key: {environment: REGENT_API_KEY}
  # By which `regent bulk scrub` and `restore` ask for a project: an account that may change what its users have.
  # user: {email: operator@example.com, password: {file: /etc/regent/secrets/user}, api_key: {file: /etc/regent/secrets/user-key}}
  # ca_file: /etc/regent/cloud-ca.pem  # the system's roots if left out
  poll_interval: 5s                    # how often to ask what changed; the default
  listing_interval: 1m                 # how often to list every resource's state; the default
  page_limit: 100                      # records per page, at most 100; the default

# What every host below inherits, and may say otherwise.
ssh:
  user: regent
  become: true                         # `sudo -n`; leave it out for root
  key_file: /etc/regent/id_ed25519     # or `agent: true`
  # certificate_file: /etc/regent/id_ed25519-cert.pub
  # Unknown hosts are not talked to: a known_hosts file, a host CA here, or a host_key with each host.
  known_hosts_file: /etc/regent/known_hosts
  # host_ca: ssh-ed25519 AAAA…         # the public key that signs the hosts' keys
  port: 22                             # the default
  state_directory: /var/lib/regent-host   # where the runner remembers its runs, on the host; the default
  concurrency: 8                       # runs at once on one host; the default and the most
  # load_most: 16                      # over this load average of the last minute a host declines new jobs; never if left out

hosts:
  - name: podnet-a
    address: 2001:db8::10:0:2          # IPv4, IPv6 or a host name
    role: podnet
    labels: [rack-1]
  - name: podnet-b
    address: 2001:db8::10:0:3
    role: podnet
    labels: [rack-2]
    # One line of `ssh-keyscan -t ed25519 ADDRESS`, without the address, compared with the host's own file.
    host_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
  - name: kvm-1
    address: kvm-1.example.com
    role: kvm
    port: 2222
  # - name: this-machine
  #   local: true                      # without SSH
  #   role: kvm

# The pair that carries the virtual routers: steps go to the enabled one first.
podnet:
  a: podnet-a
  b: podnet-b                          # leave it out if there is only one
  enabled: podnet-a

networks:
  public_bridge: br-public             # on the PodNet hosts; the default
  tenant:
    type: vlan                         # vlan, vxlan, or none (nothing leaves the host)
    interface: private0                # carries the vlans or the vxlan tunnels
    # vxlan only: a multicast group (239.1.1.1 by default) or the other ends, and the UDP port (4789 by default).
    # group: 239.1.1.1
    # peers: [192.0.2.11, 192.0.2.12]
    # port: 4789
  mtu: 1500                            # of tenant networks; the default

policies:
  # grace_period: 7d                   # between delete and scrub; the project's own if left out
  step_attempts: 4                     # of a step that may succeed later; the default and the most
  wait_for_host: 10m                   # for a host that is away, before the operation fails; the default
  wait_for_standby: 20s                # the same for the standby: the operation is then degraded; the default
  adopt_existing: false                # true: take over namespaces that regent did not make; the default

# Reads need no password, so only loopback addresses and a socket are listened on.
listen:
  unix_socket: /run/regent/regent.sock   # state_directory/regent.sock if left out
  tcp: true                            # the default
  address: 127.0.0.1                   # the default
  port: 8420                           # 0: any free port; the default

# Who is sent what happens (`regent events` shows it; GET /api/v1/topics lists the topics).
# events:
#   webhooks:
#     - name: operations               # its place among the events is kept under this name
#       url: https://hooks.example.com/regent         # https, except to this machine itself; no redirect is followed
#       secret: {file: /etc/regent/secrets/webhook}   # signs each delivery, by the rules of standardwebhooks.com
#       topics: [job.failed, host.#]   # * is one word, # any number of them; all topics if left out
#       ca_file: /etc/regent/hooks-ca.pem             # the system's roots if left out
#   amqp:
#     - name: bus                      # webhooks and these have names of their own
#       url: amqps://regent@mq.example.com/cloud      # amqps://USER@HOST:PORT/VHOST, VHOST is / if left out; amqp only to this machine itself
#       password: {file: /etc/regent/secrets/amqp}
#       exchange: regent.events        # a durable topic exchange that is there; an event's topic is its routing key
#       topics: [job.#]                # all topics if left out
#       ca_file: /etc/regent/mq-ca.pem                # the system's roots if left out

# What is done again and again by itself (`regent schedules` shows it).
# schedules:
#   - name: nightly-look                # what it has done is kept under this name
#     cron: "30 2 * * MON-FRI"          # the fields of crontab(5), in quotes; or "@daily", "@hourly", …
#     time_zone: Europe/Dublin          # UTC if left out
#     jitter: 10m                       # each firing is put off by up to so long; not at all if left out
#     catch_up: once                    # firings missed while regent was away: skip (if left out), once, or all (the last 10)
#     lane: audit                       # who goes first: user, retry or audit (if left out)
#     enabled: true                     # if left out, too
#     do:
#       verb: mend                      # retry: what failed; mend: make all hosts what the records say; cancel: open jobs
#       where: {kind: virtual_router, state: running}   # and project, degraded; all resources if left out

# How much may be at work at once, and how much may begin within a span (`regent throttles` shows how full they are).
# throttles:
#   - name: region
#     at_once: 200                      # jobs at work; what waits for a host, a lease or its next attempt is not
#   - name: projects
#     each: project                     # a count of its own for each project; or kind, or host; all if left out
#     at_once: 10
#     begin: 120                        # and in no hour do more than so many begin
#     within: 1h
#   - name: routers-on-a
#     kind: virtual_router              # only these: kind, project, host
#     host: podnet-a
#     at_once: 4

# Directories with primitives (NAME.sh) and kinds (kinds/NAME.yaml) of your own.
# kinds: [/etc/regent/primitives]
)yaml";
}

}  // namespace regent
