#include "manual.hpp"

#include <fmt/format.h>

#include "tree.hpp"
#include "words.hpp"

namespace faasd {
namespace {

// The code point that `text` begins with, which is UTF-8 of ours, and is taken off it.
unsigned next_character(std::string_view& text) {
  auto const first = static_cast<unsigned char>(text[0]);
  std::size_t const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned value = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i)
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 63U);
  text.remove_prefix(length);
  return value;
}

// As text: a backslash, a hyphen that is typed, a dot that would begin a request, and what is not
// ASCII, by its number.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  while (!text.empty()) {
    auto const c = next_character(text);
    if (c >= 0x80) {
      out += fmt::format("\\[u{:04X}]", c);
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

std::string usage(Command const& command) {
  auto out = bold("faasd " + command.name);
  for (auto const& word : command.positionals) {
    auto const name = italic(upper(word.names[0])) + (word.repeated ? " ..." : "");
    out += word.required ? " " + name : " [" + name + "]";
  }
  return out + " [" + italic("OPTIONS") + "]";
}

std::string item(Word const& word, bool positional) {
  std::string names;
  for (auto const& name : word.names)
    names += (names.empty() ? "" : ", ") + (positional ? italic(upper(name)) : bold(name));
  if (!positional && !word.type.empty()) names += " " + italic(word.type);
  auto about = roff(word.about);
  if (!word.usual.empty()) about += roff(" [" + word.usual + "]");
  return ".TP\n" + names + "\n" + about + "\n";
}

std::string section(Command const& command) {
  auto out = ".TP\n" + usage(command) + "\n" + roff(command.about) + "\n.RS\n";
  for (auto const& word : command.positionals) out += item(word, true);
  for (auto const& flag : command.flags) {
    if (flag.names[0] != "--help") out += item(flag, false);
  }
  return out + ".RE\n";
}

constexpr std::string_view kDescription = R"(.SH DESCRIPTION
.B faasd
runs functions that nobody has to trust, each in a jail of its own, and speaks AWS Lambda's wire format: the AWS
command line and SDKs can be pointed at it.
.B faasd serve
is the daemon; every other command asks one, over HTTP, and says with
.B \-\-json
what the daemon answered.
.PP
A function has a version called $LATEST, which
.B deploy
and
.B apply
change, and published ones with numbers, which never change. An alias is a name for a version, or for two that share
its calls.
)";

constexpr std::string_view kFormat = R"(.SH FILE FORMAT
.B faasd apply
reads YAML or JSON:
.PP
.nf
stack: shop                  # else the file's name; \-\-prune needs one
functions:
  hello:
    runtime: python3.11
    handler: app.handler
    code: hello/             # a directory or a zip, beside this file
    memory: 128              # MB
    timeout: 3               # seconds
    tmp: 512                 # MB of /tmp
    capacity: 1              # calls at once in one instance
    environment: {NAME: value}
    description: text
    layers: [arn]
    tags: {key: value}
    reserved_concurrency: 5  # or none
    aliases:
      live: {version: published, weights: {2: 10}}  # percent; version: none deletes it
    provisioned: {live: 2}   # 0: none
.fi
.PP
or a SAM template, of which it takes AWS::Serverless::Function: CodeUri, Handler, Runtime, Timeout, MemorySize,
Environment, Description, FunctionName, AutoPublishAlias, EphemeralStorage, Layers, Tags, ReservedConcurrentExecutions,
ProvisionedConcurrencyConfig, and the same in Globals.Function. What CloudFormation would have to resolve is refused
with its line; resources of other types are named and ignored.
.PP
A configuration that the file leaves out is Lambda's default. Tags, aliases, provisioned instances and reserved
concurrency that it does not name are left alone. The version
.I published
is what the function is when the file is applied. Functions that apply creates get the tag faas:applied, by which
.B \-\-prune
knows them.
)";

constexpr std::string_view kEnd = R"(.SH ENVIRONMENT
.TP
.B FAASD_URL
Where the daemon is, where
.B \-\-url
is not typed.
.TP
.B FAASD_API_KEY
A key that
.B faasd key new
printed, for a daemon that asks who comes.
.SH FILES
.TP
.I /var/lib/faasd
The state of a daemon of root's; of others it lies below
.IR ~/.local/state .
.SH EXAMPLES
.nf
faasd serve
faasd deploy hello ./hello \-\-runtime python3.11 \-\-handler app.handler
faasd invoke hello \-\-data '{"name":"you"}' \-\-log
faasd publish hello
faasd alias hello live 1                  # calls of hello:live go to version 1
faasd alias hello live 1 \-\-weight 2=10    # a canary: 10 % to version 2
faasd alias hello live 2                  # all of them
faasd alias hello live 1                  # back at once
faasd concurrency hello \-\-provision 2 \-\-qualifier live
faasd apply shop.yaml \-\-dry\-run
faasd export \-\-code code > shop.yaml
.fi
)";

// The footer of --help without its first words.
std::string exit_status(CLI::App const& tree) {
  std::string text = tree.get_footer();
  auto const colon = text.find(": ");
  if (colon != std::string::npos) text.erase(0, colon + 2);
  return ".SH EXIT STATUS\n" + roff(text) + "\n";
}

}  // namespace

std::string manual(CLI::App const& tree, std::string const& version) {
  auto out = fmt::format(".TH FAASD 1 \"\" \"faasd {}\" \"libfaas\"\n.SH NAME\nfaasd \\- {}\n",
                         version, "functions you do not trust, each in its own jail");
  out += ".SH SYNOPSIS\n" + bold("faasd") + " " + italic("COMMAND") + " [" + italic("OPTIONS") +
         "]\n.br\n" + bold("faasd") + " [" + italic("COMMAND") + "] " + bold("--help") + "\n";
  out += std::string(kDescription) + ".SH COMMANDS\n";
  std::string group;
  for (auto const& command : commands_of(tree)) {
    if (command.group != group) out += ".SS " + roff(command.group) + "\n";
    group = command.group;
    out += section(command);
  }
  return out + std::string(kFormat) + exit_status(tree) + std::string(kEnd);
}

}  // namespace faasd
