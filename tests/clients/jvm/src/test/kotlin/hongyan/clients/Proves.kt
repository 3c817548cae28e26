package hongyan.clients

import java.io.File
import org.junit.jupiter.api.extension.ExtensionContext
import org.junit.jupiter.api.extension.TestWatcher

/** The features of the table in docs/clients.md that a test proves by passing. */
@Target(AnnotationTarget.FUNCTION)
annotation class Proves(vararg val features: String)

/** A line of that table. */
data class Row(val client: String, val transport: String, val stomp: String)

/** A class of tests about one line. */
interface Proving {
    val row: Row
}

/** Writes down what was proved, as the tests in Node.js do (results.mjs). */
class Results : TestWatcher {
    private val folder: String? = System.getenv("HONGYAN_CLIENTS_RESULTS")

    override fun testSuccessful(context: ExtensionContext) {
        val features = context.requiredTestMethod.getAnnotation(Proves::class.java)?.features ?: return
        val row = (context.requiredTestInstance as Proving).row
        if (folder == null) return
        File(folder).mkdirs()
        for (feature in features) {
            val line = mapOf(
                "runtime" to "JVM", "client" to row.client, "transport" to row.transport, "stomp" to row.stomp,
                "feature" to feature,
            )
            File(folder, "jvm.jsonl").appendText(json.writeValueAsString(line) + "\n")
        }
    }
}
