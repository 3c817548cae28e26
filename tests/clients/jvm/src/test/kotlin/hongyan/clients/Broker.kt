package hongyan.clients

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.concurrent.thread

/** Longer than anything takes: a test that hangs should end. */
const val PATIENCE_S = 60L

const val PASSWORD = "a long password"

val json = ObjectMapper()

data class Person(val uid: Long, val name: String, val token: String)

/** The broker as a process, with its data in a folder of its own. */
class Broker {
    private val folder = Files.createTempDirectory("hongyan").toFile()
    private val binary = File(System.getenv("HONGYAN_BIN") ?: "../../../target/debug/hongyan").absolutePath
    private val process = ProcessBuilder(
        binary, "serve", "--listen", "127.0.0.1:0", "--stomp-listen", "127.0.0.1:0",
        "--data", "$folder/data", "--log", "warn",
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val lines = process.inputReader()
    private val hook = thread(start = false) { process.destroyForcibly() }
    private val http = HttpClient.newHttpClient()

    /** `127.0.0.1:PORT` */
    val address = listening("http")
    val stompPort = listening("stomp").substringAfter(':').toInt()

    init {
        Runtime.getRuntime().addShutdownHook(hook)
    }

    private fun listening(scheme: String): String {
        val said = generateSequence { lines.readLine() }.firstOrNull { it.startsWith("listening on $scheme://") }
        return checkNotNull(said) { "the broker does not say where it listens" }.substringAfter("://")
    }

    /** A POST; of the user with this token, where there is one. */
    fun call(path: String, body: Any, token: String? = null): JsonNode {
        val request = HttpRequest.newBuilder(URI("http://$address$path"))
            .POST(BodyPublishers.ofString(json.writeValueAsString(body)))
        token?.let { request.header("Authorization", "Bearer $it") }
        val answer = http.send(request.build(), BodyHandlers.ofString())
        check(answer.statusCode() < 300) { "$path: ${answer.statusCode()} ${answer.body()}" }
        return json.readTree(answer.body())
    }

    /** A user with a token. */
    fun person(name: String): Person {
        val account = mapOf("name" to name, "password" to PASSWORD)
        call("/api/users", account)
        val session = call("/api/login", account)
        return Person(session["uid"].asLong(), session["uname"].asText(), session["token"].asText())
    }

    /** SIGTERM, and the status that the process ends with. */
    fun stop(): Int {
        process.destroy()
        check(process.waitFor(PATIENCE_S, SECONDS)) { "the broker does not stop" }
        Runtime.getRuntime().removeShutdownHook(hook)
        folder.deleteRecursively()
        return process.exitValue()
    }
}
