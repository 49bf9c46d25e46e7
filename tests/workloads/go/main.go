// What Go programs do: each part prints one line, the answer.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
)

func need(err error) {
	if err != nil {
		_, _, line, _ := runtime.Caller(1)
		fmt.Printf("main.go:%d: %v\n", line, err)
		os.Exit(1)
	}
}

func goroutines() {
	var group sync.WaitGroup
	sums := make(chan int, 100)
	for i := 1; i <= 100; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			time.Sleep(time.Millisecond)
			sums <- n * n
		}(i)
	}
	group.Wait()
	close(sums)
	total := 0
	for n := range sums {
		total += n
	}
	fmt.Println("goroutines:", total)
}

type node struct{ left, right *node }

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}
func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

// The collector with its threads, and the profiler's timers and signals beside it.
func garbage() {
	var profile bytes.Buffer
	need(pprof.StartCPUProfile(&profile))
	debug.SetGCPercent(20)
	total := 0
	for i := 0; i < 20; i++ {
		total += tree(14).count()
	}
	runtime.GC()
	debug.FreeOSMemory()
	pprof.StopCPUProfile()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("garbage:", total, "nodes, collected", stats.NumGC > 0, "profiled", profile.Len() > 0)
}

func files() {
	dir, err := os.MkdirTemp("", "work")
	need(err)
	path := filepath.Join(dir, "a")
	need(os.WriteFile(path, []byte(strings.Repeat("line\n", 1000)), 0o600))
	from, err := os.Open(path)
	need(err)
	to, err := os.Create(filepath.Join(dir, "b"))
	need(err)
	need(syscall.Access(path, 4))
	copied, err := io.Copy(to, from)
	need(err)
	need(to.Sync())
	need(to.Truncate(2500))
	need(to.Chmod(0o640))
	need(syscall.Flock(int(to.Fd()), syscall.LOCK_EX))
	need(os.Chtimes(path, time.Unix(1e9, 0), time.Unix(1e9, 0)))
	need(os.Symlink("a", filepath.Join(dir, "link")))
	need(os.Link(path, filepath.Join(dir, "c")))
	need(os.Rename(filepath.Join(dir, "c"), filepath.Join(dir, "d")))
	need(os.MkdirAll(filepath.Join(dir, "x/y/z"), 0o755))
	names := 0
	need(filepath.Walk(dir, func(string, os.FileInfo, error) error { names++; return nil }))
	rooted(dir)
	need(os.RemoveAll(dir))
	fmt.Println("files:", copied, "bytes,", names, "names")
}

func processes() {
	out, err := exec.Command("/usr/bin/expr", "6", "*", "7").Output()
	need(err)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	sleep := exec.CommandContext(ctx, "/usr/bin/sleep", "60")
	sleep.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	err = sleep.Run()
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGUSR1)
	need(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	me, meErr := user.Current()
	need(meErr)
	fmt.Println("processes:", strings.TrimSpace(string(out))+",", err, "and", <-caught, "for", me.Username)
}

func web() {
	listener, err := net.Listen("tcp", "localhost:0")
	need(err)
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open("/usr/share/zoneinfo/tzdata.zi")
		need(err)
		defer file.Close()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%x ", sha256.Sum256(body))
		io.Copy(w, file)
	}))
	var group sync.WaitGroup
	answers := make([]string, 20)
	for i := range answers {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			response, err := http.Post("http://"+listener.Addr().String(), "text/plain", strings.NewReader("hello"))
			need(err)
			defer response.Body.Close()
			all, err := io.ReadAll(response.Body)
			need(err)
			answers[i] = string(all[:8])
		}(i)
	}
	group.Wait()
	fmt.Println("web:", len(answers), "answers, the last is", answers[19])
}

// A stream and a datagram over local sockets, and a file handed from socket to file.
func sockets() {
	dir, err := os.MkdirTemp("", "sock")
	need(err)
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	need(err)
	go func() {
		c, err := listener.Accept()
		need(err)
		c.Write(bytes.Repeat([]byte("x"), 100000))
		c.Close()
	}()
	client, err := net.Dial("unix", listener.Addr().String())
	need(err)
	file, err := os.Create(filepath.Join(dir, "f"))
	need(err)
	spliced, err := io.Copy(file, client)
	need(err)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	need(err)
	sender, err := net.Dial("udp", packets.LocalAddr().String())
	need(err)
	fmt.Fprint(sender, "datagram")
	buffer := make([]byte, 64)
	need(packets.SetReadDeadline(time.Now().Add(10 * time.Second)))
	n, _, err := packets.ReadFrom(buffer)
	need(err)
	fmt.Println("sockets:", spliced, "bytes,", string(buffer[:n]))
}

func main() {
	goroutines()
	garbage()
	files()
	processes()
	web()
	sockets()
	berlin, err := time.LoadLocation("Europe/Berlin")
	need(err)
	fmt.Println("time:", time.Unix(1e9, 0).In(berlin))
}
