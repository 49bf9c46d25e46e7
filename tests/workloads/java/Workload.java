import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;

/** What programs on the Java virtual machine do: each part prints one line, the answer. */
public class Workload {
  static void threads() throws Exception {
    var sum = new AtomicLong();
    var pool = Executors.newFixedThreadPool(16);
    var all = new ArrayList<Future<?>>();
    for (int i = 1; i <= 100; i++) {
      long n = i;
      all.add(pool.submit(() -> sum.addAndGet(n * n)));
    }
    for (var f : all) f.get();
    pool.shutdown();
    pool.awaitTermination(10, TimeUnit.SECONDS);
    var parallel = LongStream.rangeClosed(1, 1_000_000).parallel().sum();
    System.out.println("threads: " + sum + ", " + parallel);
  }

  static void garbage() {
    long total = 0;
    List<byte[]> kept = new ArrayList<>();
    for (int i = 0; i < 4000; i++) {
      var block = new byte[64 << 10];
      block[i % block.length] = 1;
      if (i % 100 == 0) kept.add(block);
      for (int j = 0; j < 100; j++) total += new int[] {i, j}[0];
    }
    System.gc();
    System.out.println("garbage: " + total + ", kept " + kept.size());
  }

  interface Adder {
    int add(int a, int b);
  }

  static void classes() throws Exception {
    var proxy = (Adder) Proxy.newProxyInstance(Workload.class.getClassLoader(), new Class<?>[] {Adder.class},
        (self, method, arguments) -> (Integer) arguments[0] + (Integer) arguments[1]);
    // A second loader makes another class of the same name out of the same bytes.
    var bytes = Workload.class.getResourceAsStream("/Workload$Adder.class").readAllBytes();
    var loaded = new ClassLoader(null) {
      Class<?> define() {
        return defineClass("Workload$Adder", bytes, 0, bytes.length);
      }
    }.define();
    System.out.println("classes: " + proxy.add(40, 2) + ", another " + (loaded != Adder.class));
  }

  static void files() throws Exception {
    var dir = Files.createTempDirectory("work");
    var a = dir.resolve("a");
    Files.writeString(a, "line\n".repeat(1000));
    Files.copy(a, dir.resolve("b"));
    Files.createSymbolicLink(dir.resolve("link"), Path.of("a"));
    Files.move(dir.resolve("b"), dir.resolve("c"));
    Files.setLastModifiedTime(a, java.nio.file.attribute.FileTime.fromMillis(1_000_000_000_000L));
    int mapped;
    try (var channel = FileChannel.open(a, StandardOpenOption.READ, StandardOpenOption.WRITE); var lock = channel.lock()) {
      var map = channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size());
      map.put(0, (byte) 'L');
      map.force();
      mapped = map.capacity();
      channel.force(true);
      try (var to = FileChannel.open(dir.resolve("d"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.transferTo(0, channel.size(), to);
      }
    }
    var watcher = dir.getFileSystem().newWatchService();
    dir.register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
    Files.createDirectory(dir.resolve("new"));
    var event = watcher.poll(20, TimeUnit.SECONDS).pollEvents().get(0).context();
    long listed;
    try (var walk = Files.walk(dir)) {
      listed = walk.count();
    }
    System.out.println("files: " + mapped + " mapped, saw " + event + ", " + listed + " walked, "
        + (dir.toFile().getUsableSpace() > 0));
  }

  static void processes() throws Exception {
    var process = new ProcessBuilder("/usr/bin/expr", "6", "*", "7").start();
    var answer = new String(process.getInputStream().readAllBytes()).trim();
    var sleeper = new ProcessBuilder("/usr/bin/sleep", "60").start();
    sleeper.destroyForcibly();
    System.out.println("processes: " + answer + ", " + process.waitFor() + ", " + sleeper.waitFor());
  }

  static void web() throws Exception {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("localhost"), 0), 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/", exchange -> {
      var body = exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(new String(body).toUpperCase().getBytes());
      exchange.close();
    });
    server.start();
    var uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    var client = HttpClient.newHttpClient();
    var answers = new ArrayList<String>();
    for (int i = 0; i < 20; i++) {
      var request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString("hello " + i)).build();
      answers.add(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }
    server.stop(0);
    System.out.println("web: " + answers.get(19) + ", loopback of " + NetworkInterface.getByName("lo").getMTU());
  }

  static void sockets() throws IOException {
    try (var server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
         var client = SocketChannel.open(server.getLocalAddress()); var accepted = server.accept()) {
      client.write(ByteBuffer.wrap("bytes".getBytes()));
      var buffer = ByteBuffer.allocate(5);
      while (buffer.hasRemaining()) accepted.read(buffer);
      System.out.println("sockets: " + new String(buffer.array()));
    }
  }

  static void crypto() throws Exception {
    var digest = MessageDigest.getInstance("SHA-256").digest("hello".getBytes());
    var pair = KeyPairGenerator.getInstance("EC").generateKeyPair();
    var signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(pair.getPrivate());
    signer.update(digest);
    var signature = signer.sign();
    signer.initVerify(pair.getPublic());
    signer.update(digest);
    System.out.println("crypto: " + HexFormat.of().formatHex(digest).substring(0, 8) + ", verified " + signer.verify(signature));
  }

  public static void main(String[] arguments) throws Exception {
    threads();
    garbage();
    classes();
    files();
    processes();
    web();
    sockets();
    crypto();
    System.out.println("time: " + Instant.ofEpochSecond(1_000_000_000).atZone(ZoneId.of("Europe/Berlin")));
    System.exit(0);
  }
}
